// The scalar `Upload`, and a function that reads the uploaded file.
import { GraphQLScalarType } from "graphql";
import { GraphQLUpload } from "graphql-upload-ts";

import type { BudgetShare } from "../runtime/byte-budget.ts";
import type { Look } from "../domain/look.ts";
import { readUpload, translateUploadError, type ReadUpload } from "../services/read-upload.ts";
import type { IncomingUpload } from "./upload-form.ts";

/** The scalar of graphql-upload-ts, typed for the files that `upload-form.ts` creates. */
export const UploadScalar = new GraphQLScalarType<Promise<IncomingUpload>>({
  ...(GraphQLUpload.toConfig() as object as { name: string }),
  parseValue: (value) => GraphQLUpload.parseValue(value) as Promise<unknown> as Promise<IncomingUpload>,
});

/** @throws FILE_TOO_LARGE, OVERLOADED, BAD_USER_INPUT when the file is empty, missing or truncated */
export async function readFileUpload(
  upload: Promise<IncomingUpload>,
  look: Look,
  share: Pick<BudgetShare, "take" | "signal">,
): Promise<ReadUpload> {
  const { filename, createReadStream } = await upload;
  try {
    return { bytes: await readUpload(createReadStream(), share), declaredFilename: filename, look };
  } catch (cause) {
    throw translateUploadError(cause);
  }
}
