// The three formats that a profile picture may have, and the limits of every upload.

export type UploadFormat = "jpeg" | "png" | "gif";

export const pictureFormats: Record<UploadFormat, { contentType: string; extension: string }> = {
  jpeg: { contentType: "image/jpeg", extension: ".jpg" },
  png: { contentType: "image/png", extension: ".png" },
  gif: { contentType: "image/gif", extension: ".gif" },
};

/** The content types that error messages list as allowed. */
export const allowedContentTypes = Object.values(pictureFormats).map(({ contentType }) => contentType);

export function isAllowedContentType(contentType: string): boolean {
  return allowedContentTypes.includes(contentType);
}

/** Returns the file extension of a content type, with its dot; "" for a type that is not allowed. */
export function extensionOf(contentType: string): string {
  return Object.values(pictureFormats).find((format) => format.contentType === contentType)?.extension ?? "";
}

export const pictureLimits = {
  /** LetsApp's limit of 800 KB. A file of exactly this size is accepted. */
  maxFileBytes: 800 * 1024,
  /** More pixels than a phone's photograph of 800 KB has. */
  maxPixels: 40_000_000,
  /**
   * A very long, thin image passes `maxPixels`, but scaling its short side to 150 pixels would not shrink it. The
   * long side therefore has its own limit.
   */
  maxSidePx: 16_384,
  /** Each frame costs work, even if it is one pixel small; 800 KB can contain 35,000 of them. */
  maxFrames: 1_000,
  /** Frames × width × height: the cost of decoding the whole animation. */
  maxAnimationPixels: 100_000_000,
  /** Scans of a JPEG. Encoders make about ten. A decoder sets up its tables again for each. */
  maxScans: 100,
  /**
   * Scans × width × height of a progressive JPEG: a decoder visits all pixels for each scan, even one of a few bytes.
   * 500 million take half a second. A picture of 40 megapixels in a dozen scans has fewer.
   */
  maxScanPixels: 500_000_000,
  /** Memory for the work on one picture. Enough for 40 megapixels of RGB that have to be turned upright. */
  maxMemoryBytes: 240_000_000,
  /** Memory for all pictures that are processed at the same time. A picture that needs more is processed alone. */
  maxSharedMemoryBytes: 100_000_000,
} as const;

/** Pixels on each side of a thumbnail. */
export const THUMBNAIL_SIDE_PX = 150;
