// Tells a colour profile from bytes that only stand in its place. Called by the files that walk the three formats.
// Source: ICC.1:2022, sections 7.2 and 7.3.

const HEADER_BYTES = 128;
const SIGNATURE = Buffer.from("acsp");
const SIGNATURE_AT = 36;

const COUNT_BYTES = 4;
const TAG_BYTES = 12;

/** The largest that are in use, for printing presses, have about 3 MB. */
export const MAX_PROFILE_BYTES = 4 * 1024 * 1024;

/**
 * The profile as long as its header says, with zeros where none of its tags is; null when it is none. What its tags hold
 * nobody can vouch for.
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

/** A part of the profile: its header and the table of its tags, or what a tag holds. */
interface Part {
  start: number;
  end: number;
}

/** In their order; null where the table leads to places beyond the profile. */
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
  return parts.toSorted((a, b) => a.start - b.start); // Tags may share what they hold.
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
