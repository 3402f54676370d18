// Checks a file before the upload, so that users do not wait for a rejection. The service checks the file again.
import type { ServiceError } from "../api/errors.ts";

/** The same limits as in the service. */
export const MAX_FILE_BYTES = 800 * 1024;
const MAX_PIXELS = 40_000_000;
const MAX_SIDE_PX = 16_384;

/** The first bytes of the formats that the service accepts. */
const signatures: Record<"JPG" | "PNG" | "GIF", readonly number[]> = {
  JPG: [0xff, 0xd8, 0xff],
  PNG: [0x89, 0x50, 0x4e, 0x47],
  GIF: [0x47, 0x49, 0x46, 0x38],
};

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
  const head = new Uint8Array(await copy.slice(0, 16).arrayBuffer());
  const type = Object.entries(signatures).find(([, bytes]) =>
    bytes.every((byte, i) => head[i] === byte),
  )?.[0];
  const size = await measure(copy);
  return { problem: findProblem(copy, type, size), copy, isShown: size !== null, isGif: type === "GIF" };
}

interface Size {
  width: number;
  height: number;
}

function findProblem(file: File, type: string | undefined, shown: Size | null): ServiceError | null {
  const [message, actual] = ["", file.type.replace("image/", "").toUpperCase()];
  if (file.size === 0) return { code: "BAD_USER_INPUT", message: "That file is empty." };
  if (!type) return { code: "UNSUPPORTED_IMAGE_TYPE", message, ...(shown && actual && { actual }) };
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
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    return null;
  }
}
