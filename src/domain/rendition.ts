// The forms in which a picture can be fetched. Used by both doors, `services/` and `images/`.

/** Pixels on each side of the squares that can be asked for, and no others: each one costs work and room. */
export const pictureSizes = [32, 48, 64, 96, 150, 300, 600] as const;
export type PictureSize = (typeof pictureSizes)[number];

export const renditionFormats = ["webp", "avif", "jpeg", "png"] as const;
export type RenditionFormat = (typeof renditionFormats)[number];

export type Rendition =
  /** As it was uploaded, made safe. */
  | { kind: "original" }
  /** 150 × 150 pixels in the format of the original, made at the upload. */
  | { kind: "thumbnail" }
  /** A square, made when it is first asked for. */
  | {
      kind: "square";
      sidePx: PictureSize;
      /** Null stands for the one nearest to the original's: JPEG or PNG. */
      format: RenditionFormat | null;
      isAnimated: boolean;
      /** Whether the format follows from what the client says that it understands. */
      isNegotiated: boolean;
    };

export const original: Rendition = { kind: "original" };
export const thumbnail: Rendition = { kind: "thumbnail" };
