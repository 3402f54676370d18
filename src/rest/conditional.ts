// Conditional and range requests. Source: RFC 9110, sections 13 and 14.
import type { IncomingHttpHeaders } from "node:http";

export interface Validators {
  /** A strong entity tag, with its quotes. */
  etag: string;
  /** Null when it is unknown. Conditions with a date are then ignored. */
  lastModified: Date | null;
}

/** The result of a request's conditions: answer as usual, 304 or 412. */
export type Verdict = "send" | "unchanged" | "failed";

/** Evaluates the preconditions in the order of RFC 9110, section 13.2.2. */
export function evaluateConditions(headers: IncomingHttpHeaders, validators: Validators): Verdict {
  const ifMatch = headers["if-match"];
  if (ifMatch !== undefined) {
    if (!listsTag(ifMatch, validators.etag, "strong")) return "failed";
  } else if (isNewerThan(validators.lastModified, headers["if-unmodified-since"]) === true) {
    return "failed";
  }
  const ifNoneMatch = headers["if-none-match"];
  if (ifNoneMatch !== undefined) return listsTag(ifNoneMatch, validators.etag, "weak") ? "unchanged" : "send";
  return isNewerThan(validators.lastModified, headers["if-modified-since"]) === false ? "unchanged" : "send";
}

/** Positions of the first and the last byte to send. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Returns the requested range; "unsatisfiable" when it does not include a byte of the picture; null when the whole
 * picture is to be sent. Null is also the answer to an invalid range, several ranges, a unit other than bytes, and an
 * `If-Range` that does not match.
 */
export function parseRange(
  headers: IncomingHttpHeaders,
  validators: Validators,
  sizeBytes: number,
): ByteRange | "unsatisfiable" | null {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d*)-(\d*)$/i.exec(headers.range?.trim() ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (!isStillTheSame(headers["if-range"], validators)) return null;
  if (first === "") {
    if (Number(last) === 0 || sizeBytes === 0) return "unsatisfiable";
    return { start: Math.max(0, sizeBytes - Number(last)), end: sizeBytes - 1 };
  }
  const [start, end] = [Number(first), last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)];
  if (last !== "" && Number(last) < start) return null; // Not a valid range, so it is ignored.
  return start < sizeBytes ? { start, end } : "unsatisfiable";
}

function isStillTheSame(ifRange: string | string[] | undefined, { etag, lastModified }: Validators): boolean {
  if (typeof ifRange !== "string") return true;
  if (ifRange.startsWith('"') || ifRange.startsWith("W/")) return ifRange === etag;
  return lastModified !== null && parseHttpDate(ifRange) === toSeconds(lastModified);
}

function listsTag(header: string, etag: string, comparison: "strong" | "weak"): boolean {
  if (header === etag || header.trim() === "*") return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (comparison === "weak" ? tag.replace(/^W\//, "") : tag) === etag);
}

/** Undefined when a date is unknown, missing or invalid. */
function isNewerThan(lastModified: Date | null, header: string | undefined): boolean | undefined {
  if (header === undefined || lastModified === null) return undefined;
  const date = parseHttpDate(header);
  return Number.isNaN(date) ? undefined : toSeconds(lastModified) > date;
}

/** HTTP dates have no milliseconds. */
function toSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000) * 1000;
}

/** Milliseconds since the epoch. NaN for texts that `Date.parse` accepts but RFC 9110, section 5.6.7, does not. */
function parseHttpDate(text: string): number {
  if (!/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text)) return NaN;
  return Date.parse(/GMT\s*$/.test(text) ? text : `${text} GMT`); // The oldest format does not name a zone.
}
