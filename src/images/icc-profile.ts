// Tells a colour profile from bytes that only stand in its place. Called by the files that walk the three formats.
// Source: ICC.1:2022, sections 7.2 and 7.3.

const HEADER_BYTES = 128;
const SIGNATURE = Buffer.from("acsp");
const SIGNATURE_AT = 36;

const COUNT_BYTES = 4;
const TAG_BYTES = 12;

/** The largest that are in use, for printing presses, have about 3 MB. */
export const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

/** The profile as long as its header says; null when it is none. What its tags hold nobody can vouch for. */
export function cutProfile(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES + COUNT_BYTES) return null;
  const sizeBytes = bytes.readUInt32BE(0);
  const hasSignature = bytes.subarray(SIGNATURE_AT, SIGNATURE_AT + SIGNATURE.length).equals(SIGNATURE);
  if (!hasSignature || sizeBytes < HEADER_BYTES + COUNT_BYTES || sizeBytes > bytes.length) return null;
  const profile = bytes.subarray(0, sizeBytes);
  return hasTags(profile) ? profile : null;
}

/** Whether the table of its tags leads to places within it. */
function hasTags(profile: Buffer): boolean {
  const tagCount = profile.readUInt32BE(HEADER_BYTES);
  const tableEnd = HEADER_BYTES + COUNT_BYTES + TAG_BYTES * tagCount;
  if (tagCount === 0 || tableEnd > profile.length) return false;
  for (let at = HEADER_BYTES + COUNT_BYTES; at < tableEnd; at += TAG_BYTES) {
    const [start, length] = [profile.readUInt32BE(at + 4), profile.readUInt32BE(at + 8)];
    if (start < tableEnd || start + length > profile.length) return false;
  }
  return true;
}
