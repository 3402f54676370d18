// Reduces data to the colour profile that it contains, and recognises data that is not a profile.
// Source: ICC.1:2022, sections 7.2 and 7.3.

const HEADER_BYTES = 128;
const SIGNATURE = Buffer.from("acsp");
const SIGNATURE_AT = 36;

const COUNT_BYTES = 4;
const TAG_BYTES = 12;

/** The largest profiles in use, for printing presses, have about 3 MB. */
export const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

/** The tags D2B0 to D2B3 and B2D0 to B2D3, and the type of their data. */
const ELEMENTS_TAG = /^(D2B|B2D)[0-3]$/;
const ELEMENTS_TYPE = "mpet";

/**
 * Cuts a profile to the length in its header, and fills the gaps between its tags with zeros. Hides tags that list
 * processing elements. Returns null when the bytes are not a profile. Does not check the content of other tags.
 */
export function cutProfile(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES + COUNT_BYTES) return null;
  const sizeBytes = bytes.readUInt32BE(0);
  const hasSignature = bytes.subarray(SIGNATURE_AT, SIGNATURE_AT + SIGNATURE.length).equals(SIGNATURE);
  if (!hasSignature || sizeBytes < HEADER_BYTES + COUNT_BYTES || sizeBytes > bytes.length) return null;
  const profile = withoutElements(bytes.subarray(0, sizeBytes));
  const tags = readTags(profile);
  return tags && withoutGaps(profile, tags);
}

/**
 * Renames tags that list processing elements, so that the decoder uses the other tags of the profile, as browsers do. A
 * profile of 500 bytes can list ten thousand elements: the decoder would take 15 seconds to apply them.
 */
function withoutElements(profile: Buffer): Buffer {
  const copy = Buffer.from(profile);
  const tableAt = HEADER_BYTES + COUNT_BYTES;
  const tagCount = Math.min(profile.readUInt32BE(HEADER_BYTES), (profile.length - tableAt) / TAG_BYTES);
  for (let i = 0; i + 1 <= tagCount; i++) {
    const at = tableAt + i * TAG_BYTES;
    const [name, dataAt] = [profile.toString("latin1", at, at + 4), profile.readUInt32BE(at + 4)];
    const type = profile.toString("latin1", dataAt, dataAt + 4);
    if (ELEMENTS_TAG.test(name) || type === ELEMENTS_TYPE) copy.write(name.toLowerCase(), at, "latin1");
  }
  return copy;
}

/** A part of the profile: the header with the tag table, or the data of one tag. */
interface Part {
  start: number;
  end: number;
}

/** Returns the parts sorted by position; null when the tag table is empty or points outside of the profile. */
function readTags(profile: Buffer): Part[] | null {
  const tagCount = profile.readUInt32BE(HEADER_BYTES);
  const tableEnd = HEADER_BYTES + COUNT_BYTES + TAG_BYTES * tagCount;
  if (tagCount === 0 || tableEnd > profile.length) return null;
  const parts = [{ start: 0, end: tableEnd }];
  for (let at = HEADER_BYTES + COUNT_BYTES; at < tableEnd; at += TAG_BYTES) {
    const start = profile.readUInt32BE(at + 4);
    const end = start + profile.readUInt32BE(at + 8);
    if (start < tableEnd || end > profile.length) return null;
    parts.push({ start, end });
  }
  return parts.toSorted((a, b) => a.start - b.start); // Tags may share data, so parts may overlap.
}

/** Changes the profile in place. */
function withoutGaps(profile: Buffer, parts: readonly Part[]): Buffer {
  let end = 0;
  for (const part of [...parts, { start: profile.length, end: profile.length }]) {
    if (part.start > end) profile.fill(0, end, part.start);
    end = Math.max(end, part.end);
  }
  return profile;
}
