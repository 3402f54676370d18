// Gives a CMYK JPEG without a colour profile one that mixes inks as browsers do. The decoder would assume the inks of a
// printing press, which are far less bright.
import { makeCmykProfile } from "../colour-profile.ts";
import { readFrame } from "./frame.ts";
import { APP2, isShowableFrame, segmentsBeforeScans, startMarker } from "./markers.ts";
import { profileSegments } from "./profile.ts";

const CMYK_COMPONENTS = 4;

/** Browsers let the black ink darken the light that each coloured ink leaves. */
const mixInks = ([cyan, magenta, yellow, black]: readonly number[]): number[] =>
  [cyan, magenta, yellow].map((ink) => (1 - ink!) * (1 - black!));

let profile: Buffer | null = null;

/** @param bytes a JPEG without metadata */
export function showableJpeg(bytes: Buffer): { bytes: Buffer; width: number; height: number } {
  const segments = [...segmentsBeforeScans(bytes)];
  const { marker, payload } = segments.find((segment) => isShowableFrame(segment.marker))!;
  const { widthPx: width, heightPx: height, components } = readFrame(marker, payload);
  // Only colour profiles are left in such segments.
  const hasProfile = segments.some((segment) => segment.marker === APP2);
  if (hasProfile || components.length !== CMYK_COMPONENTS) return { bytes, width, height };
  profile ??= makeCmykProfile(mixInks);
  const withProfile = [startMarker, ...profileSegments(profile), bytes.subarray(startMarker.length)];
  return { bytes: Buffer.concat(withProfile), width, height };
}
