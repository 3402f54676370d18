// Reduces data to the colour profile that it contains, and recognises data that is not a profile.
// Source: ICC.1:2022, sections 7.2 and 7.3.

const HEADER_BYTES = 128;
const SIGNATURE = Buffer.from("acsp");
const SIGNATURE_AT = 36;

const COUNT_BYTES = 4;
const TAG_BYTES = 12;

/** The largest profiles in use, for printing presses, have about 3 MB. */
export const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

/**
 * Cuts a profile to the length in its header, and fills the gaps between its tags with zeros. Returns null when the
 * bytes are not a profile. Does not check the content of the tags.
 */
export function cutProfile(bytes: Buffer): Buffer | null {
  if (bytes.length < HEADER_BYTES + COUNT_BYTES) return null;
  const sizeBytes = bytes.readUInt32BE(0);
  const hasSignature = bytes.subarray(SIGNATURE_AT, SIGNATURE_AT + SIGNATURE.length).equals(SIGNATURE);
  if (!hasSignature || sizeBytes < HEADER_BYTES + COUNT_BYTES || sizeBytes > bytes.length) return null;
  const profile = bytes.subarray(0, sizeBytes);
  const tags = readTags(profile);
  return tags && withoutGaps(profile, tags);
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

function withoutGaps(profile: Buffer, parts: readonly Part[]): Buffer {
  const copy = Buffer.from(profile);
  let end = 0;
  for (const part of [...parts, { start: profile.length, end: profile.length }]) {
    if (part.start > end) copy.fill(0, end, part.start);
    end = Math.max(end, part.end);
  }
  return copy;
}
