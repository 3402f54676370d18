// Checks the dates of conditional requests: the time zone of the server does not affect how it reads the three date
// formats of RFC 9110.
import { afterEach, expect, it, vi } from "vitest";

import { evaluateConditions } from "../../../src/rest/conditional.ts";

afterEach(() => vi.unstubAllEnvs());

const picture = { etag: '"x"', lastModified: new Date("2026-11-27T22:00:00Z") };

it.each([
  ["Fri, 27 Nov 2026 21:30:00 GMT", "send"],
  ["Fri, 27 Nov 2026 22:00:00 GMT", "unchanged"],
  ["Friday, 27-Nov-26 21:30:00 GMT", "send"],
  ["Friday, 27-Nov-26 22:00:00 GMT", "unchanged"],
  ["Fri Nov 27 21:30:00 2026", "send"],
  ["Fri Nov 27 22:00:00 2026", "unchanged"],
  ["Fri Nov 27 21:30:00 2026 ?", "send"],
])("If-Modified-Since: %s evaluates to %s in every time zone", (date, verdict) => {
  for (const zone of ["America/New_York", "UTC", "Asia/Tokyo"]) {
    vi.stubEnv("TZ", zone);

    expect(evaluateConditions({ "if-modified-since": date }, picture)).toBe(verdict);
  }
});

it("date conditions are ignored when the modification date is unknown", () => {
  const initials = { etag: '"x"', lastModified: null };
  const headers = ["if-modified-since", "if-unmodified-since"].flatMap((name) =>
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 2100 00:00:00 GMT"].map((date) => ({ [name]: date })),
  );

  for (const header of headers) expect(evaluateConditions(header, initials)).toBe("send");
});
