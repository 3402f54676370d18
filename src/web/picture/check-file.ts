// Looks at a file before it is sent, so that nobody waits for an upload that is refused. The service looks again.
import type { ServiceError } from "../api/errors.ts";

/** As the service has them. */
export const MAX_FILE_BYTES = 800 * 1024;
const MAX_PIXELS = 40_000_000;
const MAX_SIDE_PX = 16_384;

/** The first bytes of what may be stored. */
const signatures: Record<"JPG" | "PNG" | "GIF", readonly number[]> = {
  JPG: [0xff, 0xd8, 0xff],
  PNG: [0x89, 0x50, 0x4e, 0x47],
  GIF: [0x47, 0x49, 0x46, 0x38],
};

export interface CheckedFile {
  /** Null when it can be sent as it is. */
  problem: ServiceError | null;
  /** In memory, so that it can be sent whatever becomes of the file meanwhile. */
  copy: File;
  /** Whether the browser can show it, and so make a picture of it that can be sent. */
  isShown: boolean;
  /** It would stand still if it was made smaller. */
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

/** @returns null for what the browser cannot show */
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
