// Reads a form of the GraphQL multipart request specification, without a file on the disk: the one file that it may have
// is read by its resolver, straight from the connection. Used by `multipart.ts`.
// Source: github.com/jaydenseric/graphql-multipart-request-spec.
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";

import busboy from "busboy";
import { Upload, type FileUpload } from "graphql-upload-ts";

import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { translateUploadError } from "../services/read-upload.ts";

/** The value that a resolver gets for a file. The file can be read once. */
export interface IncomingUpload {
  filename: string | undefined;
  createReadStream: () => Readable;
}

/** `operations` and `map` are JSON: as long as a plain request may be. */
const MAX_FIELD_BYTES = 256 * 1024;

/** Room for a few fields that are ignored, and for a second file, which is refused. */
const limits = {
  fieldSize: MAX_FIELD_BYTES,
  fields: 10,
  fileSize: pictureLimits.maxFileBytes + 1, // A file with one byte more than allowed is too large.
  files: 2,
  parts: 13,
};

/**
 * Resolves once it is known which operation the form has and where its file belongs; the file may still be on its way.
 *
 * @returns the operation, with an `Upload` in the place of its file
 * @throws BAD_USER_INPUT when the form is malformed
 */
export function readUploadForm(request: IncomingMessage): Promise<object> {
  return new Promise((resolve, reject) => {
    const form = new UploadForm();
    const parser = createParser(request);
    const fail = (error: unknown): void => {
      request.unpipe(parser);
      const translated = translateUploadError(error);
      reject(translated);
      form.fail(translated);
    };
    const attempt = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        fail(error);
      }
    };
    parser.on("field", (name, value, { valueTruncated }) =>
      attempt(() => {
        if (valueTruncated) throw malformed(`The field "${name}" has more than ${MAX_FIELD_BYTES} bytes.`);
        const operation = form.takeField(name, value);
        if (operation) resolve(operation);
      }),
    );
    parser.on("file", (name, stream, { filename }) => {
      stream.on("error", () => {}); // The reader of the stream gets the error as well; without a reader it is ignored.
      attempt(() => form.takeFile(name, stream, filename));
    });
    for (const limit of ["filesLimit", "fieldsLimit", "partsLimit"] as const) {
      parser.on(limit, () => fail(malformed("A form has `operations`, `map` and one file.")));
    }
    parser.on("error", fail);
    parser.on("close", () => attempt(() => form.assertComplete()));
    request.on("close", () => {
      if (!request.readableEnded) fail(new Error("the connection ended within the form"));
    });
    request.pipe(parser);
  });
}

/** The parts of a form that have come so far. */
class UploadForm {
  #operation: object | null = null;
  #upload: Upload | null = null;
  #fileField: string | null = null;
  #stream: Readable | null = null;

  /** @returns the operation, when the field completes it */
  takeField(name: string, value: string): object | null {
    if (name !== "operations" && name !== "map") return null;
    if (name === "operations" && !this.#operation) {
      this.#operation = parseObject(name, value);
      return null;
    }
    if (name === "operations" || !this.#operation || this.#upload)
      throw malformed("A form has `operations`, then `map`, then the file.");
    const places = Object.entries(parseObject(name, value));
    this.#upload = new Upload();
    const [[field, paths] = [null, []], ...others] = places;
    if (others.length > 0) throw malformed("A form has one file; its `map` names more.");
    this.#fileField = field;
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string"))
      throw malformed("In `map`, each file has an array of paths.");
    for (const path of paths) put(this.#operation, path, this.#upload);
    return this.#operation;
  }

  takeFile(name: string, stream: Readable, filename: string | undefined): void {
    if (this.#stream) throw malformed("A form has one file.");
    this.#stream = stream;
    if (!this.#upload) throw malformed("A form has `operations`, then `map`, then the file.");
    if (name !== this.#fileField)
      throw malformed(`The form has a file "${name}" that its \`map\` does not name.`);
    let isRead = false;
    const file: IncomingUpload = {
      filename,
      createReadStream() {
        if (isRead) throw malformed("The file is used twice.");
        isRead = true;
        return stream;
      },
    };
    this.#upload.resolve(file as unknown as FileUpload); // The library's own type has a file on the disk.
  }

  /** @throws BAD_USER_INPUT when the form has ended without what it announced */
  assertComplete(): void {
    if (!this.#operation) throw malformed("The form lacks `operations`.");
    if (!this.#upload) throw malformed("The form lacks `map`.");
    if (this.#fileField !== null && !this.#stream)
      throw malformed(`The form lacks the file "${this.#fileField}" that its \`map\` names.`);
  }

  /** A resolver that waits for the file, or reads it, gets the error. */
  fail(error: AppError): void {
    this.#upload?.reject(error);
    this.#stream?.destroy(error);
  }
}

/** @throws BAD_USER_INPUT unless the path leads to a null, where the specification wants files to be */
function put(operation: object, path: string, upload: Upload): void {
  const names = path.split(".");
  let place = operation as Record<string, unknown>;
  for (const [index, name] of names.entries()) {
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, name))
      throw malformed(`In \`map\`, the path "${path.slice(0, 100)}" leads nowhere.`);
    if (index < names.length - 1) place = place[name] as Record<string, unknown>;
    else if (place[name] !== null)
      throw malformed(`In \`map\`, the path "${path.slice(0, 100)}" does not lead to null.`);
    else place[name] = upload;
  }
}

function parseObject(field: string, text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed(`The field \`${field}\` is not valid JSON.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed(`The field \`${field}\` is a JSON object.`);
  return value;
}

/** @throws BAD_USER_INPUT for a form without a boundary */
function createParser({ headers }: IncomingMessage): busboy.Busboy {
  try {
    return busboy({ headers, limits, defParamCharset: "utf8" });
  } catch (cause) {
    throw translateUploadError(cause);
  }
}

function malformed(message: string): AppError {
  return new AppError("BAD_USER_INPUT", message);
}
