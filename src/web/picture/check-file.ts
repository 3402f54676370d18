// Looks at a file before it is sent, so that nobody waits for an upload that is refused. The service looks again.
import type { ServiceError } from "../api/errors.ts";

/** 800 KB, as the service counts. */
export const MAX_FILE_BYTES = 800 * 1024;

/** The first bytes of what may be stored. */
const signatures: Record<"JPG" | "PNG" | "GIF", readonly number[]> = {
  JPG: [0xff, 0xd8, 0xff],
  PNG: [0x89, 0x50, 0x4e, 0x47],
  GIF: [0x47, 0x49, 0x46, 0x38],
};

export interface CheckedFile {
  /** Null when it can be sent as it is. */
  problem: ServiceError | null;
  /** Whether the browser can show it, and so make a picture of it that can be sent. */
  isShown: boolean;
  /** It would stand still if it was made smaller. */
  isGif: boolean;
}

export async function checkFile(file: Blob): Promise<CheckedFile> {
  const head = new Uint8Array(await file.slice(0, 16).arrayBuffer());
  const type = Object.entries(signatures).find(([, bytes]) =>
    bytes.every((byte, i) => head[i] === byte),
  )?.[0];
  const isShown = await canShow(file);
  return { problem: findProblem(file, type, isShown), isShown, isGif: type === "GIF" };
}

function findProblem(file: Blob, type: string | undefined, isShown: boolean): ServiceError | null {
  const [message, actual] = ["", file.type.replace("image/", "").toUpperCase()];
  if (!type) return { code: "UNSUPPORTED_IMAGE_TYPE", message, ...(isShown && actual && { actual }) };
  if (!isShown) return { code: "UNREADABLE_IMAGE", message };
  if (file.size > MAX_FILE_BYTES) {
    return { code: "FILE_TOO_LARGE", message, limit: MAX_FILE_BYTES, actual: file.size };
  }
  return null;
}

async function canShow(file: Blob): Promise<boolean> {
  try {
    (await createImageBitmap(file)).close();
    return true;
  } catch {
    return false;
  }
}
