// The three formats that a profile picture may have, and the limits that hold for every upload.

export type PictureFormat = "jpeg" | "png" | "gif";

export const pictureFormats: Record<PictureFormat, { contentType: string; extension: string }> = {
  jpeg: { contentType: "image/jpeg", extension: ".jpg" },
  png: { contentType: "image/png", extension: ".png" },
  gif: { contentType: "image/gif", extension: ".gif" },
};

/** What an error may say is accepted. */
export const allowedContentTypes = Object.values(pictureFormats).map(({ contentType }) => contentType);

export function isAllowedContentType(contentType: string): boolean {
  return allowedContentTypes.includes(contentType);
}

/** The ending of a file of one of the three types, with its dot. */
export function extensionOf(contentType: string): string {
  return Object.values(pictureFormats).find((format) => format.contentType === contentType)?.extension ?? "";
}

export const pictureLimits = {
  /** The seed's "800 KB", inclusive. */
  maxFileBytes: 800 * 1024,
  /** More than any telephone takes into 800 KB. */
  maxPixels: 40_000_000,
  /**
   * A very long, thin image passes `maxPixels`, but scaling its short side to 150 pixels would not shrink it. So the
   * long side has its own limit.
   */
  maxSidePx: 16_384,
  /** A frame may be one pixel small and still costs; 800 KB hold 35,000 of those. */
  maxFrames: 300,
  /** Frames × width × height: what decoding the whole animation costs. */
  maxAnimationPixels: 100_000_000,
  /** Scans of a JPEG. Encoders make about ten; a decoder sets its tables up again for each. */
  maxScans: 100,
  /**
   * Scans × width × height of a progressive JPEG: each scan goes over all pixels, be it a few bytes long. 500 million
   * take half a second, and 40 megapixels in a dozen scans are fewer.
   */
  maxScanPixels: 500_000_000,
  /** What working on a picture may take: 40 megapixels of RGB that lie on their side do. */
  maxMemoryBytes: 240_000_000,
  /** What pictures that are worked on at the same time may take together; a larger one is worked on alone. */
  maxSharedMemoryBytes: 100_000_000,
} as const;

/** Pixels on each side of a thumbnail. */
export const THUMBNAIL_SIDE_PX = 150;
