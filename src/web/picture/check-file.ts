// Checks a file before the upload, so that users do not wait for a rejection. The service checks the file again.
import type { ServiceError } from "../api/errors.ts";
import { openImage } from "./open-image.ts";

/** The same limits as in the service. */
export const MAX_FILE_BYTES = 800 * 1024;
const MAX_PIXELS = 40_000_000;
const MAX_SIDE_PX = 16_384;

/** The first bytes of the formats that the service accepts. A file name or the type that a system reports may be wrong. */
const acceptedFormats: readonly [name: string, start: RegExp][] = [
  ["JPG", /^\xff\xd8\xff/],
  ["PNG", /^.PNG/],
  ["GIF", /^GIF8/],
];

/** Others that people choose. The message names them. */
const otherFormats: readonly [name: string, start: RegExp][] = [
  ["HEIC", /^[^]{4}ftyp(hei|hev|mif1|msf1)/],
  ["AVIF", /^[^]{4}ftypavi/],
  ["WebP", /^RIFF[^]{4}WEBP/],
  ["BMP", /^BM/],
  ["TIFF", /^(II\*\0|MM\0\*)/],
  ["SVG", /^\s*<(svg|\?xml)/],
  ["PDF", /^%PDF/],
  ["MP4", /^[^]{4}ftyp/],
];

export interface CheckedFile {
  /** Null when the file can be sent as it is. */
  problem: ServiceError | null;
  /** A copy in memory, which can be sent even if the file is changed or deleted later. */
  copy: File;
  /** True when the browser can display the file, and so can convert it to a picture that the service accepts. */
  isShown: boolean;
  /** True for a GIF, which would lose its animation if it was made smaller. */
  isGif: boolean;
}

export async function checkFile(file: File): Promise<CheckedFile> {
  let copy: File;
  try {
    copy = new File([await file.arrayBuffer()], file.name, { type: file.type });
  } catch {
    const problem: ServiceError = { code: "CANNOT_READ_FILE", message: "" };
    return { problem, copy: file, isShown: false, isGif: false };
  }
  const head = new TextDecoder("latin1").decode(await copy.slice(0, 64).arrayBuffer());
  const nameIn = (formats: typeof acceptedFormats) => formats.find(([, start]) => start.test(head))?.[0];
  const accepted = nameIn(acceptedFormats);
  const size = await measure(copy);
  const problem = findProblem(copy, accepted !== undefined, nameIn(otherFormats), size);
  return { problem, copy, isShown: size !== null, isGif: accepted === "GIF" };
}

interface Size {
  width: number;
  height: number;
}

function findProblem(
  file: File,
  isAccepted: boolean,
  actual: string | undefined,
  shown: Size | null,
): ServiceError | null {
  const message = "";
  if (file.size === 0) return { code: "BAD_USER_INPUT", message: "That file is empty." };
  if (!isAccepted) return { code: "UNSUPPORTED_IMAGE_TYPE", message, ...(actual && { actual }) };
  if (!shown) return { code: "UNREADABLE_IMAGE", message };
  if (file.size > MAX_FILE_BYTES) {
    return { code: "FILE_TOO_LARGE", message, limit: MAX_FILE_BYTES, actual: file.size };
  }
  const isVast = shown.width * shown.height > MAX_PIXELS || Math.max(shown.width, shown.height) > MAX_SIDE_PX;
  return isVast ? { code: "IMAGE_TOO_COMPLEX", message } : null;
}

/** @returns null when the browser cannot display the file */
async function measure(file: Blob): Promise<Size | null> {
  try {
    const { image, release } = await openImage(file);
    release();
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return null;
  }
}
