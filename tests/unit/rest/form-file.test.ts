// Checks `readFormFile` for a request whose connection ended before it was read.
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

import { expect, it } from "vitest";

import { readFormFile } from "../../../src/rest/form-file.ts";

it("rejects at once when the request is already destroyed", async () => {
  const request = new IncomingMessage(new Socket());
  request.headers["content-type"] = "multipart/form-data; boundary=x";
  request.destroy();

  await expect(
    readFormFile(request, { take() {}, signal: new AbortController().signal }),
  ).rejects.toMatchObject({ code: "BAD_USER_INPUT" });
});
