// How a user wants a picture to be shown: its crop and its filter. A look applies to everything that is derived from
// the picture, and never to the stored original.
import { AppError } from "../errors.ts";

/** A part or a point of a picture, in fractions of the width and height of the upright picture. */
export interface Crop {
  x: number;
  y: number;
  /**
   * `width` and `height` are set for a rectangle whose top left corner is x and y. If both are null, x and y are a
   * point that stays visible.
   */
  width: number | null;
  height: number | null;
}

export const pictureFilters = ["GRAYSCALE", "SEPIA", "SHARPEN"] as const;
export type PictureFilter = (typeof pictureFilters)[number];

export interface Look {
  crop: Crop | null;
  filter: PictureFilter | null;
}

/** No crop and no filter. Squares then show the middle of the picture. */
export const plainLook: Look = { crop: null, filter: null };

/** A part of a picture, in whole pixels. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Clients round fractions: a third plus two thirds may be slightly more than one. */
const TOLERANCE = 1e-6;

/** Checks a crop. @throws BAD_USER_INPUT when it is empty or not completely within the picture */
export function checkCrop({
  x,
  y,
  width = null,
  height = null,
}: Partial<Crop> & { x: number; y: number }): Crop {
  const isFraction = (value: number) => Number.isFinite(value) && value >= 0 && value <= 1;
  if (!isFraction(x) || !isFraction(y)) throw badCrop("must have x and y from 0 to 1");
  if ((width === null) !== (height === null)) throw badCrop("must have both width and height, or neither");
  if (width !== null && height !== null) {
    const isFilled = isFraction(width) && isFraction(height) && width > 0 && height > 0;
    if (!isFilled) throw badCrop("must have width and height above 0 and up to 1");
    if (x + width > 1 + TOLERANCE || y + height > 1 + TOLERANCE) {
      throw badCrop("must lie within the picture: x + width and y + height can be at most 1");
    }
  }
  return { x, y, width, height };
}

/** @param json such as `{"x":0.5,"y":0.2}` @throws BAD_USER_INPUT */
export function readCrop(json: string): Crop {
  let crop: unknown;
  try {
    crop = JSON.parse(json);
  } catch {
    throw badCrop("is not valid JSON");
  }
  const { x, y, width, height } = (crop ?? {}) as Partial<Crop>;
  return checkCrop({ x: x!, y: y!, ...(width != null && { width }), ...(height != null && { height }) });
}

/** @throws BAD_USER_INPUT with the allowed names */
export function readFilter(name: string): PictureFilter {
  const filter = pictureFilters.find((one) => one === name);
  if (filter) return filter;
  throw new AppError("BAD_USER_INPUT", `\`filter\` must be one of ${pictureFilters.join(", ")}.`, {
    allowed: pictureFilters,
  });
}

/**
 * Returns the part of a picture that the crop leaves, at least one pixel. For a point, that is the largest square,
 * with the point as close to its middle as possible.
 *
 * @param size of the picture in pixels
 */
export function regionOf({ x, y, width, height }: Crop, size: { width: number; height: number }): Region {
  if (width === null || height === null) {
    const side = Math.min(size.width, size.height);
    const place = (centre: number, length: number) =>
      Math.min(Math.max(0, Math.round(centre * length - side / 2)), length - side);
    return { left: place(x, size.width), top: place(y, size.height), width: side, height: side };
  }
  const [left, regionWidth] = cut(x, width, size.width);
  const [top, regionHeight] = cut(y, height, size.height);
  return { left, top, width: regionWidth, height: regionHeight };
}

function cut(start: number, extent: number, length: number): [start: number, length: number] {
  const from = Math.min(Math.round(start * length), length - 1);
  const to = Math.min(Math.round((start + extent) * length), length);
  return [from, Math.max(1, to - from)];
}

function badCrop(what: string): AppError {
  return new AppError("BAD_USER_INPUT", `\`crop\` ${what}.`);
}
