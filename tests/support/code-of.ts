// What becomes of a file that is to be made a picture.
import type { PictureMaker } from "../../src/images/picture-maker.ts";

/** The error's code; "none" when the file is accepted. */
export async function codeOf(maker: PictureMaker, bytes: Buffer): Promise<string> {
  try {
    await maker.make(bytes, "somebody");
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
