// Rewrites a JPEG from its coefficients: to set it upright, or to repair damage that loses no pixel.
import { unreadable } from "../unreadable.ts";
import { endMarker, isApplication, segmentsBeforeScans, startMarker } from "./markers.ts";
import { readCoefficients } from "./scan-reader.ts";
import { writeScan } from "./scan-writer.ts";
import { turnUpright } from "./turn.ts";

/**
 * Decodes all picture data and writes it as a sequential JPEG. Keeps the samples, the sampling, the quantisation and the
 * colour profile.
 *
 * @param stripped a JPEG without metadata @param orientation 1 to 8
 * @param isCutOff true when the file has no end marker: a progressive one must then have all its scans
 * @throws UNREADABLE_IMAGE when picture data is missing or not valid
 * @throws IMAGE_TOO_COMPLEX when it would take too much time or memory
 */
export function rebuildJpeg(stripped: Buffer, orientation: number, isCutOff = false): Buffer {
  const read = readCoefficients(stripped);
  const lacksScans = read.components.some(({ missingBits }) => missingBits.some((count) => count > 0));
  if (isCutOff && lacksScans) throw unreadable("JPG", "it ends before its last scan");
  const picture = turnUpright(read, orientation);
  // These segments have the colour profile and the meaning of the components.
  const applications = [...segmentsBeforeScans(stripped)].filter(({ marker }) => isApplication(marker));
  return Buffer.concat([
    startMarker,
    ...applications.map((segment) => segment.bytes),
    writeScan(picture),
    endMarker,
  ]);
}
