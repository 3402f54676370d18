// Checks how long `readUploadForm` waits for the fields of a form, with a clock that the test controls.
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { readUploadForm } from "../../../src/graphql/upload-form.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const operations =
  '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"variables":{"file":null}}\r\n';
const map = '--x\r\nContent-Disposition: form-data; name="map"\r\n\r\n{"0":["variables.file"]}\r\n--x\r\n';

function arriving(text: string): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  request.headers["content-type"] = "multipart/form-data; boundary=x";
  request.push(text);
  return request;
}

it("gives up fields that take longer than a minute", async () => {
  const outcome = readUploadForm(arriving(operations)).catch((error: unknown) => error);

  await vi.advanceTimersByTimeAsync(60_000);

  expect(await outcome).toMatchObject({ code: "BAD_USER_INPUT", status: 408 });
});

it("does not limit the time of the file", async () => {
  await readUploadForm(arriving(operations + map));

  expect(vi.getTimerCount()).toBe(0);
});
