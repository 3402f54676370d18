// Reads and writes the orientation in EXIF data.
// Source: EXIF 2.32, section 4.6; TIFF 6.0, section 2.

/** The orientation of a picture that need not be turned. */
export const UPRIGHT = 1;
const MAX_ORIENTATION = 8;

const ORIENTATION_TAG = 0x0112;
const SHORT = 3;

const HEADER_BYTES = 8;
const ENTRY_BYTES = 12;

/** @param tiff EXIF data from its byte order on @returns 1 to 8; 1 (upright) when there is no valid orientation */
export function readOrientation(tiff: Buffer): number {
  const order = tiff.toString("latin1", 0, 4);
  const isLittle = order === "II*\0";
  if (tiff.length < HEADER_BYTES || (!isLittle && order !== "MM\0*")) return UPRIGHT;
  const read16 = (at: number) => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const read32 = (at: number) => (isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const directoryAt = read32(4);
  if (directoryAt + 2 > tiff.length) return UPRIGHT;
  const entriesEnd = directoryAt + 2 + ENTRY_BYTES * read16(directoryAt);
  for (let at = directoryAt + 2; at < entriesEnd && at + ENTRY_BYTES <= tiff.length; at += ENTRY_BYTES) {
    if (read16(at) !== ORIENTATION_TAG) continue;
    const isNumber = read16(at + 2) === SHORT && read32(at + 4) === 1;
    const orientation = isNumber ? read16(at + 8) : UPRIGHT;
    return orientation >= UPRIGHT && orientation <= MAX_ORIENTATION ? orientation : UPRIGHT;
  }
  return UPRIGHT;
}

/** Returns EXIF data that contains only the orientation. */
export function writeOrientation(orientation: number): Buffer {
  const tiff = Buffer.alloc(HEADER_BYTES + 2 + ENTRY_BYTES + 4);
  tiff.write("MM\0*", "latin1");
  tiff.writeUInt32BE(HEADER_BYTES, 4);
  tiff.writeUInt16BE(1, HEADER_BYTES);
  tiff.writeUInt16BE(ORIENTATION_TAG, HEADER_BYTES + 2);
  tiff.writeUInt16BE(SHORT, HEADER_BYTES + 4);
  tiff.writeUInt32BE(1, HEADER_BYTES + 6);
  tiff.writeUInt16BE(orientation, HEADER_BYTES + 10);
  return tiff;
}
