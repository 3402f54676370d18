// Converts a picture that is too large, or of a type that the service rejects, to a picture that the service accepts.
import { MAX_FILE_BYTES } from "./check-file.ts";
import { openImage } from "./open-image.ts";

/** The longer side in pixels: more than any client displays. */
const MAX_SIDE_PX = 1600;
const QUALITIES = [0.9, 0.8, 0.65, 0.5];

/** @returns a JPG of at most 800 KB, upright, without metadata; null when the browser cannot make one */
export async function scaleDown(file: Blob): Promise<Blob | null> {
  const { image, release } = await openImage(file);
  try {
    for (let sidePx = MAX_SIDE_PX; sidePx >= MAX_SIDE_PX / 4; sidePx /= 2) {
      const canvas = draw(image, sidePx);
      for (const quality of QUALITIES) {
        const jpeg = await encode(canvas, quality);
        if (jpeg && jpeg.size <= MAX_FILE_BYTES) return jpeg;
      }
    }
    return null;
  } finally {
    release();
  }
}

function draw(image: HTMLImageElement, maxSidePx: number): HTMLCanvasElement {
  const { naturalWidth, naturalHeight } = image; // Upright: the browser applies the orientation.
  const scale = Math.min(1, maxSidePx / Math.max(naturalWidth, naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(naturalHeight * scale));
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#fff"; // Without a background, transparent pixels would become black.
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function encode(canvas: HTMLCanvasElement, quality: number): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
}
