// A form whose connection has ended before anybody came to read it.
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

import { expect, it } from "vitest";

import { readFormFile } from "../../../src/rest/form-file.ts";

it("rejects at once when the request is gone already", async () => {
  const request = new IncomingMessage(new Socket());
  request.headers["content-type"] = "multipart/form-data; boundary=x";
  request.destroy();

  await expect(
    readFormFile(request, { take() {}, signal: new AbortController().signal }),
  ).rejects.toMatchObject({ code: "BAD_USER_INPUT" });
});
