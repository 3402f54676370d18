// How a user wants a picture to be shown: which part of it, and through which filter. It holds for everything that is
// derived from the picture, and never for the stored original.
import { AppError } from "../errors.ts";

/** In fractions of the picture's width and height, as it is seen upright. */
export interface Crop {
  x: number;
  y: number;
  /** Both, for a rectangle that begins at x and y; or neither, where x and y are the point that stays in sight. */
  width: number | null;
  height: number | null;
}

export const pictureFilters = ["GRAYSCALE", "SEPIA", "SHARPEN"] as const;
export type PictureFilter = (typeof pictureFilters)[number];

export interface Look {
  crop: Crop | null;
  filter: PictureFilter | null;
}

/** The middle of the picture, and its own colours. */
export const plainLook: Look = { crop: null, filter: null };

/** A part of a picture, in whole pixels. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Fractions are rounded where they are made: a third and two thirds may be a little more than one. */
const TOLERANCE = 1e-6;

/** @throws BAD_USER_INPUT unless all of it lies within the picture and is not empty */
export function checkCrop({
  x,
  y,
  width = null,
  height = null,
}: Partial<Crop> & { x: number; y: number }): Crop {
  const isFraction = (value: number) => Number.isFinite(value) && value >= 0 && value <= 1;
  if (!isFraction(x) || !isFraction(y)) throw badCrop("x and y are fractions from 0 to 1");
  if ((width === null) !== (height === null)) throw badCrop("width and height come both, or neither does");
  if (width !== null && height !== null) {
    const isFilled = isFraction(width) && isFraction(height) && width > 0 && height > 0;
    if (!isFilled) throw badCrop("width and height are fractions above 0 and up to 1");
    if (x + width > 1 + TOLERANCE || y + height > 1 + TOLERANCE) {
      throw badCrop("x + width and y + height are 1 at most: the rectangle lies within the picture");
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
    throw badCrop("it is no JSON");
  }
  const { x, y, width, height } = (crop ?? {}) as Partial<Crop>;
  return checkCrop({ x: x!, y: y!, ...(width != null && { width }), ...(height != null && { height }) });
}

/** @throws BAD_USER_INPUT with those that there are */
export function readFilter(name: string): PictureFilter {
  const filter = pictureFilters.find((one) => one === name);
  if (filter) return filter;
  throw new AppError("BAD_USER_INPUT", `filter is one of ${pictureFilters.join(", ")}.`, {
    allowed: pictureFilters,
  });
}

/** The part of a picture of that size that a crop leaves: at least one pixel. */
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
  return new AppError("BAD_USER_INPUT", `This is no crop: ${what}.`);
}
