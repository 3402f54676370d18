// Reads a form of the GraphQL multipart request specification without writing a file to disk. A form may have one
// file, which the resolver reads straight from the connection.
// Source: github.com/jaydenseric/graphql-multipart-request-spec.
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";

import { Upload, type FileUpload } from "graphql-upload-ts";

import { pictureLimits } from "../domain/picture-format.ts";
import { AppError } from "../errors.ts";
import { createFormParser, decodeFilename } from "../http/form-parser.ts";
import { translateUploadError } from "../services/read-upload.ts";

/** The value that a resolver gets for a file. The file can be read once. */
export interface IncomingUpload {
  filename: string | undefined;
  createReadStream: () => Readable;
}

/** Limit for `operations` and `map`, which are JSON: the same as for the body of a plain request. */
const MAX_FIELD_BYTES = 256 * 1024;

/** Time for the fields before the file: they take memory, and the limits of uploads apply only from the file on. */
const FIELDS_TIMEOUT_MS = 60_000;

const WRONG_ORDER = "Send `operations`, `map` and the file once each, in this order.";

/** Allows a few other fields, which are ignored, and a second file, which is rejected. */
const limits = {
  fieldSize: MAX_FIELD_BYTES,
  fields: 10,
  fileSize: pictureLimits.maxFileBytes + 1, // The extra byte lets `readUpload` detect a file that is too large.
  files: 2,
  parts: 13,
};

/**
 * Resolves once `operations` and `map` have been read. The file may still be arriving.
 *
 * @returns the operation, with an `Upload` in place of its file
 * @throws BAD_USER_INPUT when the form is malformed, or when the fields take too long
 */
export function readUploadForm(request: IncomingMessage): Promise<object> {
  return new Promise((resolve, reject) => {
    const form = new UploadForm();
    const parser = createFormParser(request, limits, ["operations", "map"]);
    const timer = setTimeout(() => fail(tooSlow()), FIELDS_TIMEOUT_MS);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
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
        if (!operation) return;
        clearTimeout(timer);
        resolve(operation);
      }),
    );
    parser.on("file", (name, stream, { filename }) => {
      stream.on("error", () => {}); // The reader of the stream also gets the error. Without a reader it is ignored.
      attempt(() => form.takeFile(name, stream, decodeFilename(filename)));
    });
    for (const limit of ["filesLimit", "fieldsLimit", "partsLimit"] as const) {
      parser.on(limit, () =>
        fail(malformed("The form has too many parts. Send only `operations`, `map` and one file.")),
      );
    }
    parser.on("error", fail);
    parser.on("close", () => attempt(() => form.assertComplete()));
    request.on("close", () => {
      if (!request.readableEnded) fail(new Error("the connection ended within the form"));
    });
    request.pipe(parser);
  });
}

/** The parts of a form that have arrived so far. */
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
    if (name === "operations" || !this.#operation || this.#upload) throw malformed(WRONG_ORDER);
    const places = Object.entries(parseObject(name, value));
    this.#upload = new Upload();
    const [[field, paths] = [null, []], ...others] = places;
    if (others.length > 0) throw malformed("`map` names more than one file. A form may have only one.");
    this.#fileField = field;
    if (!Array.isArray(paths) || !paths.every((path) => typeof path === "string"))
      throw malformed("In `map`, each file must have an array of paths.");
    for (const path of paths) put(this.#operation, path, this.#upload);
    return this.#operation;
  }

  takeFile(name: string, stream: Readable, filename: string | undefined): void {
    if (this.#stream) throw malformed("The form has more than one file.");
    this.#stream = stream;
    if (!this.#upload) throw malformed(WRONG_ORDER);
    if (name !== this.#fileField)
      throw malformed(`The form has a file "${name}" that its \`map\` does not name.`);
    let isRead = false;
    const file: IncomingUpload = {
      filename,
      createReadStream() {
        if (isRead) throw malformed("The operation uses the file more than once.");
        isRead = true;
        return stream;
      },
    };
    this.#upload.resolve(file as unknown as FileUpload); // The library's type describes a file on disk.
  }

  /** @throws BAD_USER_INPUT when the form has ended and a part is missing */
  assertComplete(): void {
    if (!this.#operation) throw malformed("The form lacks `operations`.");
    if (!this.#upload) throw malformed("The form lacks `map`.");
    if (this.#fileField !== null && !this.#stream)
      throw malformed(`The form lacks the file "${this.#fileField}" that its \`map\` names.`);
  }

  /** Passes the error to the resolver that waits for the file or reads it. */
  fail(error: AppError): void {
    this.#upload?.reject(error);
    this.#stream?.destroy(error);
  }
}

/** @throws BAD_USER_INPUT unless the path leads to a null, as the specification requires */
function put(operation: object, path: string, upload: Upload): void {
  const names = path.split(".");
  let place = operation as Record<string, unknown>;
  for (const [index, name] of names.entries()) {
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, name))
      throw malformed(`In \`map\`, the path "${path.slice(0, 100)}" does not exist in \`operations\`.`);
    if (index < names.length - 1) place = place[name] as Record<string, unknown>;
    else if (place[name] !== null)
      throw malformed(`In \`map\`, the path "${path.slice(0, 100)}" leads to a value that is not null.`);
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
    throw malformed(`The field \`${field}\` must be a JSON object.`);
  return value;
}

function tooSlow(): AppError {
  return new AppError("BAD_USER_INPUT", "The request took too long.", { status: 408 });
}

function malformed(message: string): AppError {
  return new AppError("BAD_USER_INPUT", message);
}
