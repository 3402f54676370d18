// Reports how a `PictureMaker` responds to a file.
import type { PictureMaker } from "../../src/images/picture-maker.ts";

/** Resolves with the error code, or with "none" when the maker accepts the file. */
export async function codeOf(maker: PictureMaker, bytes: Buffer): Promise<string> {
  try {
    await maker.make(bytes, "somebody");
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
