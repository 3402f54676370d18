// The image work of an upload: the least that a safe upload costs.
import sharp from "sharp";

sharp.cache(false);
sharp.concurrency(1);

/** Reads the header, decodes the whole picture once and makes the thumbnail from the pixels. */
export async function workOnPicture(bytes: Buffer): Promise<Buffer> {
  const { width, height } = await sharp(bytes, { failOn: "warning" }).metadata();
  const scale = 150 / Math.min(width, height);
  const { data, info } = await sharp(bytes, { failOn: "warning", sequentialRead: true })
    .resize(Math.ceil(width * scale), Math.ceil(height * scale), { fit: "fill" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
    .resize(150, 150)
    .jpeg({ quality: 82 })
    .toBuffer();
}
