// The work on the pixels of an upload, and nothing around it: a few at a time, for some seconds. A process of its own,
// started by the files of `comparisons/`; it prints how many a second.
import { readFile } from "node:fs/promises";

import sharp from "sharp";

const [file, seconds, lanes] = process.argv.slice(2);
const bytes = await readFile(file!);
sharp.cache(false);
sharp.concurrency(1);
const endAt = performance.now() + Number(seconds) * 1000;
let count = 0;
await Promise.all(Array.from({ length: Number(lanes) }, () => work()));
console.log(count / Number(seconds));

/** The header, one decoding of the whole picture, and the thumbnail from that. */
async function work(): Promise<void> {
  while (performance.now() < endAt) {
    const { width, height } = await sharp(bytes, { failOn: "warning" }).metadata();
    const scale = 150 / Math.min(width, height);
    const { data, info } = await sharp(bytes, { failOn: "warning", sequentialRead: true })
      .resize(Math.ceil(width * scale), Math.ceil(height * scale), { fit: "fill" })
      .raw()
      .toBuffer({ resolveWithObject: true });
    await sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } })
      .resize(150, 150)
      .jpeg({ quality: 82 })
      .toBuffer();
    count += 1;
  }
}
