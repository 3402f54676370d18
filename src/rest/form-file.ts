// Reads the one file of a multipart form into memory.
import type { IncomingMessage } from "node:http";

import type { BudgetShare } from "../runtime/byte-budget.ts";
import { plainLook, readCrop, readFilter, type Look } from "../domain/look.ts";
import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { createFormParser, decodeFilename } from "../http/form-parser.ts";
import { isMultipart } from "../http/is-multipart.ts";
import { readUpload, translateUploadError, type ReadUpload } from "../services/read-upload.ts";

const FILE_FIELD = "file";

/** Leaves room for unknown fields. The extra byte lets `readUpload` detect a file that is too large. */
const limits = {
  fileSize: pictureLimits.maxFileBytes + 1,
  files: 2,
  fields: 10,
  fieldSize: 1024,
  parts: 12,
};

/**
 * Reads the form to its end, to make sure that it contains exactly one file. When it rejects, the rest of the request
 * stays unread.
 *
 * @throws FILE_TOO_LARGE, BAD_USER_INPUT, OVERLOADED
 */
export function readFormFile(
  request: IncomingMessage,
  share: Pick<BudgetShare, "take" | "signal">,
): Promise<ReadUpload> {
  return new Promise((resolve, reject) => {
    if (!isMultipart(request.headers)) throw unexpectedForm();
    const parser = createFormParser(request, limits, ["crop", "filter"]);
    let file: Promise<ReadUpload> | undefined;
    const fail = (cause: unknown) => {
      request.unpipe(parser);
      parser.destroy();
      reject(translateUploadError(cause));
    };
    const look: Look = { ...plainLook };
    parser.on("field", (field, value, { valueTruncated }) => {
      try {
        if (valueTruncated && (field === "crop" || field === "filter")) throw fieldTooLong(field);
        if (field === "crop") look.crop = readCrop(value);
        if (field === "filter") look.filter = readFilter(value);
      } catch (error) {
        fail(error);
      }
    });
    parser.on("file", (field, stream, { filename }) => {
      stream.on("error", fail);
      if (file || field !== FILE_FIELD) return fail(unexpectedForm());
      file = readUpload(stream, share).then((bytes) => ({
        bytes,
        declaredFilename: decodeFilename(filename),
        look,
      }));
      file.catch(fail); // Before the destroyed stream emits an abort error.
    });
    for (const limit of ["filesLimit", "fieldsLimit", "partsLimit"] as const) {
      parser.on(limit, () => fail(unexpectedForm()));
    }
    parser.on("error", fail);
    parser.on("close", () => (file ? file.then(resolve, fail) : fail(unexpectedForm())));
    const onClose = () => {
      if (!request.readableEnded) fail(new Error("the connection ended within the form"));
    };
    if (request.destroyed) return onClose(); // The client left while its token was verified.
    request.on("close", onClose);
    request.pipe(parser);
  });
}

function fieldTooLong(field: string): AppError {
  const message = `The field "${field}" has more than ${limits.fieldSize} bytes.`;
  return new AppError("BAD_USER_INPUT", message, { limit: limits.fieldSize });
}

function unexpectedForm(): AppError {
  return new AppError(
    "BAD_USER_INPUT",
    `Send multipart/form-data with one file in the field "${FILE_FIELD}".`,
  );
}
