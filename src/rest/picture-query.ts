// Reads from the query of a URL which form of a picture the client requests.
import {
  original,
  pictureSizes,
  renditionFormats,
  thumbnail,
  type PictureSize,
  type Rendition,
  type RenditionFormat,
  type Square,
} from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { Cache } from "../runtime/cache.ts";

export interface PictureQuery {
  thumbnail?: unknown;
  size?: unknown;
  format?: unknown;
  animated?: unknown;
}

const stillSquare = { kind: "square", isAnimated: false, isNegotiated: false, isCurrent: false } as const;

/**
 * @param accept the client's `Accept` header, which decides the format of a square if the query does not
 * @throws BAD_USER_INPUT for an invalid query, with the `allowed` values
 */
export function readRendition(query: PictureQuery, accept: string | undefined): Rendition {
  const isThumbnail = readFlag("thumbnail", query.thumbnail);
  const isAnimated = readFlag("animated", query.animated);
  const format = readFormat(query.format);
  const sidePx = readSize(query.size);
  if (sidePx === null) {
    if (format !== null || isAnimated) {
      throw refusal("format and animated require size: only squares can be converted.", []);
    }
    return isThumbnail ? thumbnail : original;
  }
  if (isThumbnail) throw refusal("thumbnail and size cannot be combined.", []);
  if (isAnimated) return readAnimated(sidePx, format);
  if (format !== null) return { ...stillSquare, sidePx, format };
  return { ...stillSquare, sidePx, format: negotiate(accept), isNegotiated: true };
}

/** @throws BAD_USER_INPUT */
function readSize(size: unknown): PictureSize | null {
  if (size === undefined) return null;
  const found = pictureSizes.find((one) => String(one) === size);
  if (found === undefined)
    throw refusal(`size must be one of ${pictureSizes.join(", ")}.`, pictureSizes.map(String));
  return found;
}

function readAnimated(sidePx: PictureSize, format: RenditionFormat | null): Rendition {
  if (format !== null && format !== "webp") {
    throw refusal("With animated=true, format must be webp.", ["webp"]);
  }
  return { ...stillSquare, sidePx, format: "webp", isAnimated: true };
}

/**
 * @param others the formats that the caller reads itself; the error lists them, too
 * @throws BAD_USER_INPUT
 */
function readFormat(format: unknown, others: readonly string[] = []): RenditionFormat | null {
  if (format === undefined) return null;
  const found = renditionFormats.find((one) => one === format);
  const allowed = [...renditionFormats, ...others];
  if (!found) throw refusal(`format must be one of ${allowed.join(", ")}.`, allowed);
  return found;
}

function readFlag(name: string, value: unknown): boolean {
  if (value === undefined || value === "false") return false;
  if (value === "true") return true;
  throw refusal(`${name} must be true or false.`, ["true", "false"]);
}

function refusal(message: string, allowed: readonly string[]): AppError {
  return new AppError("BAD_USER_INPUT", message, allowed.length > 0 ? { allowed } : {});
}

/** Formats that an `Accept` header can select, smallest files first. */
const negotiable = ["avif", "webp"] as const;

/**
 * Returns the format that the client's `Accept` header prefers; among equals, the one with the smallest files. Null
 * stands for the format closest to the original's, which a client without the header gets. A wildcard does not select
 * AVIF or WebP, because clients send it whether they support them or not. Source: RFC 9110, section 12.5.1.
 */
function negotiate(accept = ""): RenditionFormat | null {
  const qualities = new Map(accept.toLowerCase().split(",").map(readMediaRange));
  const plain = ["image/jpeg", "image/png", "image/*", "*/*"].map((range) => qualities.get(range) ?? 0);
  let best: { format: RenditionFormat | null; quality: number } = {
    format: null,
    quality: Math.max(...plain),
  };
  for (const format of negotiable.toReversed()) {
    const quality = qualities.get(`image/${format}`) ?? 0;
    if (quality > 0 && quality >= best.quality) best = { format, quality };
  }
  return best.format;
}

/** Reads a range such as `image/webp;q=0.8`. A missing or invalid quality counts as 1. */
function readMediaRange(range: string): [type: string, quality: number] {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
  const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split("=")[1];
  const value = Number(quality ?? 1);
  return [type, Number.isFinite(value) ? Math.min(Math.max(value, 0), 1) : 1];
}

/** The form in which a client requests the current picture of a user, who may have none. */
export interface CurrentForm {
  square: Square;
  initialsFormat: RenditionFormat | "svg";
}

const DEFAULT_SIZE_PX = 150;

/**
 * Reads the form of a user's current picture. The format "svg" is for the initials only: with it, as without a format,
 * the `Accept` header decides the format of the picture.
 *
 * @param search empty, or starts with "?"
 * @throws BAD_USER_INPUT for an invalid query, with the `allowed` values
 */
export function readCurrentForm(search: string, accept: string | undefined): CurrentForm {
  const form = recall(currentForms, search, readCurrentSearch);
  if (!form.square.isNegotiated) return form;
  return { ...form, square: { ...form.square, format: recall(formats, accept ?? "", negotiate) } };
}

function readCurrentSearch(search: string): CurrentForm {
  const query = parseSearch(search);
  const sidePx = readSize(query.size) ?? DEFAULT_SIZE_PX;
  const format = query.format === "svg" ? null : readFormat(query.format, ["svg"]);
  return {
    square: { ...stillSquare, sidePx, format, isNegotiated: format === null, isCurrent: true },
    initialsFormat: format ?? "svg",
  };
}

/** More than the different queries in our own URLs, and than the `Accept` headers of most services' clients. */
const MAX_REMEMBERED_COUNT = 500;
const renditions = new Cache<string, Rendition | null>({ maxWeight: MAX_REMEMBERED_COUNT });
const currentForms = new Cache<string, CurrentForm>({ maxWeight: MAX_REMEMBERED_COUNT });
const formats = new Cache<string, RenditionFormat | null>({ maxWeight: MAX_REMEMBERED_COUNT });

/**
 * As `readRendition`, but remembers the result. Returns undefined for an invalid query.
 *
 * @param search empty, or starts with "?"
 */
export function recallRendition(search: string, accept: string | undefined): Rendition | undefined {
  const rendition = recall(renditions, search, readSearch);
  if (rendition?.kind !== "square" || !rendition.isNegotiated) return rendition ?? undefined;
  return { ...rendition, format: recall(formats, accept ?? "", negotiate) };
}

function recall<Value>(remembered: Cache<string, Value>, key: string, read: (key: string) => Value): Value {
  const stored = remembered.get(key);
  if (stored !== undefined) return stored;
  const value = read(key);
  remembered.set(key, value);
  return value;
}

function readSearch(search: string): Rendition | null {
  try {
    return readRendition(parseSearch(search), undefined);
  } catch {
    return null; // `PictureLane` reads the query again, and renders the error.
  }
}

/**
 * Reads parameters. A repeated one becomes an array, which is not a valid value.
 *
 * @param search empty, or starts with "?"
 */
export function parseSearch(search: string): PictureQuery {
  const parameters = new URLSearchParams(search);
  const valueOf = (name: string) => {
    const values = parameters.getAll(name);
    return values.length > 1 ? values : values[0];
  };
  const [thumbnail, size, format, animated] = ["thumbnail", "size", "format", "animated"].map(valueOf);
  return { thumbnail, size, format, animated };
}
