// Gives a CMYK JPEG without a colour profile one that mixes inks as browsers do. The decoder would assume the inks of a
// printing press, which are far less bright.
import { makeCmykProfile } from "../colour-profile.ts";
import { profileSegments } from "./profile.ts";
import { readFrame } from "./frame.ts";

const CMYK_COMPONENTS = 4;
const SOS = 0xda;
const APP2 = 0xe2;
const [FIRST_FRAME, LAST_FRAME] = [0xc0, 0xc2];

/** Browsers let the black ink darken the light that each coloured ink leaves. */
const mixInks = ([cyan, magenta, yellow, black]: readonly number[]): number[] =>
  [cyan, magenta, yellow].map((ink) => (1 - ink!) * (1 - black!));

let profile: Buffer | null = null;

/** @param bytes a JPEG without metadata */
export function showableJpeg(bytes: Buffer): Buffer {
  for (let at = 2; bytes[at + 1] !== SOS; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1]!;
    if (marker === APP2) return bytes; // Only colour profiles are left in such segments.
    if (marker < FIRST_FRAME || marker > LAST_FRAME) continue;
    const { components } = readFrame(marker, bytes.subarray(at + 4, at + 2 + bytes.readUInt16BE(at + 2)));
    if (components.length !== CMYK_COMPONENTS) return bytes;
  }
  profile ??= makeCmykProfile(mixInks);
  return Buffer.concat([bytes.subarray(0, 2), ...profileSegments(profile), bytes.subarray(2)]);
}
