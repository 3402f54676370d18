// Creates the parser of multipart forms for GraphQL and REST. Source: RFC 7578.
import type { IncomingMessage } from "node:http";

import busboy from "busboy";

import { AppError } from "../errors.ts";

/**
 * Creates a parser for the form that the request contains.
 *
 * @throws BAD_USER_INPUT when the Content-Type header has no valid boundary
 */
export function createFormParser({ headers }: IncomingMessage, limits: busboy.Limits): busboy.Busboy {
  try {
    return busboy({ headers, limits, defParamCharset: "utf8" });
  } catch (cause) {
    const message =
      "The Content-Type header has no valid boundary. Do not set this header: the HTTP client sets it for a form.";
    throw new AppError("BAD_USER_INPUT", message, { cause });
  }
}
