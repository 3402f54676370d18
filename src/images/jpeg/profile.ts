// The colour profile of a JPEG, which may be split into several segments.
// Source: ICC.1:2022, annex B.4.
import { cutProfile } from "../icc-profile.ts";
import { APP2, startsWith } from "./markers.ts";

const MAX_SEGMENT_BYTES = 65_533;

const signature = Buffer.from("ICC_PROFILE\0");
/** The signature, the number of the part, and the number of parts. */
const HEAD_BYTES = signature.length + 2;

export interface ProfilePart {
  segment: Buffer;
  payload: Buffer;
}

export function isProfilePart(payload: Buffer): boolean {
  return startsWith(payload, signature);
}

/**
 * Returns the same segments when they contain exactly one profile, and new segments when the profile has to be cut.
 * Returns none when they do not contain a valid profile.
 */
export function keepProfile(found: readonly ProfilePart[]): Buffer[] {
  const parts = found.toSorted((a, b) => a.payload[HEAD_BYTES - 2]! - b.payload[HEAD_BYTES - 2]!);
  const isWhole = parts.every(
    ({ payload }, i) => payload[HEAD_BYTES - 2] === i + 1 && payload[HEAD_BYTES - 1] === parts.length,
  );
  if (parts.length === 0 || !isWhole) return [];
  const joined = Buffer.concat(parts.map(({ payload }) => payload.subarray(HEAD_BYTES)));
  const profile = cutProfile(joined);
  if (!profile) return [];
  return profile.equals(joined) ? parts.map(({ segment }) => segment) : profileSegments(profile);
}

export function profileSegments(profile: Buffer): Buffer[] {
  const partBytes = MAX_SEGMENT_BYTES - HEAD_BYTES;
  const partCount = Math.ceil(profile.length / partBytes);
  return Array.from({ length: partCount }, (_, i) => {
    const part = profile.subarray(i * partBytes, (i + 1) * partBytes);
    const head = Buffer.from([0xff, APP2, 0, 0, ...signature, i + 1, partCount]);
    head.writeUInt16BE(2 + HEAD_BYTES + part.length, 2);
    return Buffer.concat([head, part]);
  });
}
