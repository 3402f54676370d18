// Checks the format of a square when the URL does not name one. Source: RFC 9110, section 12.5.1.
import { expect, it } from "vitest";

import { readRendition } from "../../../src/rest/picture-query.ts";

it.each([
  ["image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "avif"],
  ["image/webp,image/avif", "avif"],
  ["image/webp,*/*", "webp"],
  ["image/webp;q=0;x=1", null],
  ["image/webp; q=0.0, image/*", null],
  ["image/avif;q=0.1,image/jpeg;q=1", null],
  ["image/avif;q=0.5,image/webp;q=0.9", "webp"],
  ["IMAGE/WEBP;Q=0.5", "webp"],
  ["image/webp;q=nonsense", "webp"],
  ["*/*", null],
  ["", null],
  [undefined, null],
])("the Accept header %j selects the format %j", (accept, format) => {
  expect(readRendition({ size: "96" }, accept)).toMatchObject({ format, isNegotiated: true });
});
