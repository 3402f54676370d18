// Creates the parser of multipart forms for GraphQL and REST. Source: RFC 7578.
import type { IncomingMessage } from "node:http";

import busboy from "busboy";

import { AppError } from "../errors.ts";

/**
 * Creates a parser for the form that the request contains. A part with the content type of an image is a file, also
 * without a file name: React Native sends pictures from the camera in this way. A part in a text field is text, also
 * with a file name: browsers add one to a `Blob`.
 *
 * @param textFields names of the fields that never contain a file
 * @throws BAD_USER_INPUT when the Content-Type header has no valid boundary
 */
export function createFormParser(
  { headers }: IncomingMessage,
  limits: busboy.Limits,
  textFields: readonly string[],
): busboy.Busboy {
  try {
    const parser = busboy({ headers, limits, defParamCharset: "utf8" });
    adaptParts(parser, (part) =>
      isTextField(part, textFields) ? markAsText(part) : markPictureAsFile(part),
    );
    return parser;
  } catch (cause) {
    const message =
      "The Content-Type header has no valid boundary. Do not set this header: the HTTP client sets it for a form.";
    throw new AppError("BAD_USER_INPUT", message, { cause });
  }
}

/** Source: HTML standard, "Multipart form data". Browsers escape nothing else, not even the percent sign. */
const filenameEscapes: Record<string, string> = { "%22": '"', "%0D": "\r", "%0A": "\n" };

/** Decodes the three escapes of browsers in the file name of a part. */
export function decodeFilename(filename: string | undefined): string | undefined {
  return filename?.replace(/%22|%0D|%0A/g, (escape) => filenameEscapes[escape]!);
}

/** The headers of one part by their names in lower case, as busboy stores them. */
type PartHeaders = Record<string, [string, ...string[]] | undefined>;

/** The part of busboy's parser for headers that `adaptParts` replaces. */
interface HeaderParser {
  cb: (headers: PartHeaders) => void;
}

/**
 * Calls `adapt` with the headers of each part before busboy decides whether the part is a file. busboy has no option for
 * this decision, so the function intercepts the private property through which busboy starts to read headers.
 */
function adaptParts(parser: busboy.Busboy, adapt: (headers: PartHeaders) => void): void {
  const adapted = new WeakSet<HeaderParser>();
  let current: HeaderParser | null = null;
  Object.defineProperty(parser, "_hparser", {
    get: () => current,
    set(next: HeaderParser | null) {
      current = next;
      if (!next || adapted.has(next)) return;
      adapted.add(next);
      const { cb: decide } = next;
      next.cb = (headers) => {
        adapt(headers);
        decide(headers);
      };
    },
  });
}

/** The content type of a part that busboy takes for a file whatever its name. The service ignores the declared type. */
const OPAQUE = "application/octet-stream";

function markPictureAsFile(part: PartHeaders): void {
  if (contentTypeOf(part).startsWith("image/")) part["content-type"] = [OPAQUE];
}

/** Removes the file name, and a content type that would make the part a file. */
function markAsText(part: PartHeaders): void {
  part["content-disposition"] = [part["content-disposition"]![0].replace(/^([^"]*"\w+").*$/, "$1")];
  if (contentTypeOf(part).startsWith(OPAQUE)) delete part["content-type"];
}

/** Recognises only a quoted name in first place, as all clients send it. */
function isTextField(part: PartHeaders, textFields: readonly string[]): boolean {
  const name = /^form-data; *name="(\w+)"/i.exec(part["content-disposition"]?.[0] ?? "")?.[1];
  return name !== undefined && textFields.includes(name);
}

function contentTypeOf(part: PartHeaders): string {
  return (part["content-type"]?.[0] ?? "").toLowerCase();
}
