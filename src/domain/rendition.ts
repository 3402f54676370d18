// The forms in which clients can fetch a picture.

/** Side lengths of squares in pixels. Clients cannot request others, because each one costs work and space. */
export const pictureSizes = [32, 48, 64, 96, 150, 300, 600] as const;
export type PictureSize = (typeof pictureSizes)[number];

export const renditionFormats = ["webp", "avif", "jpeg", "png"] as const;
export type RenditionFormat = (typeof renditionFormats)[number];

export type Rendition =
  /** The upload, made safe. */
  | { kind: "original" }
  /** 150 × 150 pixels in the format of the original, made during the upload. */
  | { kind: "thumbnail" }
  | Square;

/** A square, made when a client first requests it. */
export interface Square {
  kind: "square";
  sidePx: PictureSize;
  /** Null stands for WebP if the square is animated, for JPEG if the original is a JPEG, and for PNG otherwise. */
  format: RenditionFormat | null;
  isAnimated: boolean;
  /** True if the client's `Accept` header has decided the format. */
  isNegotiated: boolean;
  /** True at the address of a user, whose picture may change. */
  isCurrent: boolean;
}

export const original: Rendition = { kind: "original" };
export const thumbnail: Rendition = { kind: "thumbnail" };
