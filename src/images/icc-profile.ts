// Tells a colour profile from bytes that only stand in its place. Called by the files that walk the three formats.
// Source: ICC.1:2022, section 7.2.

const HEADER_BYTES = 128;
const SIGNATURE = Buffer.from("acsp");
const SIGNATURE_AT = 36;

/** The largest that are in use, for printing presses, have about 3 MB. */
export const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

/** The profile as long as its header says; null when it is none. */
export function cutProfile(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES) return null;
  const sizeBytes = bytes.readUInt32BE(0);
  const hasSignature = bytes.subarray(SIGNATURE_AT, SIGNATURE_AT + SIGNATURE.length).equals(SIGNATURE);
  return hasSignature && sizeBytes >= HEADER_BYTES && sizeBytes <= bytes.length
    ? bytes.subarray(0, sizeBytes)
    : null;
}
