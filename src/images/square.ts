// Makes a square from a picture, step by step.
import type { Sharp } from "sharp";

import { regionOf, type Look, type PictureFilter } from "../domain/look.ts";

interface SquareSpec {
  /** Size of the upright picture in pixels. */
  width: number;
  height: number;
  /** Side of the resulting square in pixels. */
  sidePx: number;
  /** Without a crop, the middle of the picture stays visible, as with `object-fit: cover` in a browser. */
  look: Look;
}

type Step = (image: Sharp, square: SquareSpec) => Sharp;

const filters: Record<PictureFilter, (image: Sharp) => Sharp> = {
  GRAYSCALE: (image) =>
    image.recomb([
      [0.299, 0.587, 0.114],
      [0.299, 0.587, 0.114],
      [0.299, 0.587, 0.114],
    ]),
  SEPIA: (image) =>
    image.recomb([
      [0.393, 0.769, 0.189],
      [0.349, 0.686, 0.168],
      [0.272, 0.534, 0.131],
    ]),
  SHARPEN: (image) => image.sharpen(),
};

/** The steps, in the order in which they are applied. */
const steps: readonly Step[] = [
  (image, { look: { crop }, ...size }) => (crop ? image.extract(regionOf(crop, size)) : image),
  (image, { sidePx }) => image.resize(sidePx, sidePx, { fit: "cover", position: "centre" }),
  (image) => image.toColourspace("srgb"),
  (image, { look: { filter } }) => (filter ? filters[filter](image) : image),
];

export function makeSquare(image: Sharp, square: SquareSpec): Sharp {
  return steps.reduce((made, step) => step(made, square), image);
}

/** The shorter side of the visible part of a picture. A larger square would not show more detail. */
export function shownSidePx(size: { width: number; height: number }, { crop }: Look): number {
  const { width, height } = crop ? regionOf(crop, size) : size;
  return Math.min(width, height);
}
