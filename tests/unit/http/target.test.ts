// Checks the normal form of request targets. Source: RFC 9112, section 3.2; RFC 3986, section 6.2.2.
import type { IncomingMessage } from "node:http";

import { describe, expect, it } from "vitest";

import { faultOfTarget, normalTarget } from "../../../src/http/target.ts";

describe("a request target", () => {
  it.each([
    ["/a/b?c=%41", "/a/b?c=%41"],
    ["http://host/a?b=c", "/a?b=c"],
    ["HTTPS://host:1/a", "/a"],
    ["http://host", "/"],
    ["http://host?a=b", "/?a=b"],
    ["/api/medi%61/%30%7e", "/api/media/0~"],
    ["/a%2Fb%00%20%25", "/a%2Fb%00%20%25"],
    ["*", "*"],
    ["//a/b", "//a/b"],
  ])("%s becomes %s", (target, normal) => {
    expect(normalTarget(target)).toBe(normal);
  });
});

describe("a path with an invalid percent-encoding", () => {
  it.each([
    ["/metric%%37%33", true],
    ["/%", true],
    ["/a%2", true],
    ["/a%zz", true],
    ["/a%20b", false],
    ["/a?b=%", false],
  ])("%s is refused: %s", (url, isRefused) => {
    const fault = faultOfTarget({ url, method: "GET", rawHeaders: ["Host", "a"] } as IncomingMessage);

    expect(fault !== null).toBe(isRefused);
  });
});
