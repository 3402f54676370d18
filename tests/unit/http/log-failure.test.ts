// Checks what the log says about an error, as the lines of a real log.
import { expect, it } from "vitest";

import { AppError } from "../../../src/errors.ts";
import { logFailure } from "../../../src/http/log-failure.ts";
import { createLog } from "../../../src/runtime/log.ts";

const levels = { debug: 20, warn: 40, error: 50 };

function linesFor(error: AppError): string[] {
  const lines: string[] = [];
  logFailure(createLog("debug", { write: (line) => void lines.push(line) }), error, error);
  return lines;
}

it("has one line at warn without a stack for OVERLOADED", () => {
  const lines = linesFor(
    new AppError("OVERLOADED", "Too many pictures at once.", { cause: new Error("no room") }),
  );

  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: levels.warn,
    code: "OVERLOADED",
    reason: "no room",
    msg: "Too many pictures at once.",
  });
  expect(lines[0]).not.toContain("stack");
  expect(lines[0]).not.toContain("    at ");
});

it("has the stack of the cause at error for another fault of the service", () => {
  const [line] = linesFor(new AppError("STORAGE_UNAVAILABLE", "No.", { cause: new Error("disk full") }));

  expect(JSON.parse(line!)).toMatchObject({ level: levels.error, err: { message: "disk full" } });
  expect(line).toContain("    at ");
});

it("has a line at debug without a stack for a request that is refused", () => {
  const [line] = linesFor(new AppError("BAD_USER_INPUT", "No."));

  expect(JSON.parse(line!)).toMatchObject({ level: levels.debug, code: "BAD_USER_INPUT" });
  expect(line).not.toContain("stack");
});
