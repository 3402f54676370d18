// Baseline for uploads: only the image work, a few at a time, for some seconds. Runs as a separate process and prints
// the number of pictures a second.
import { readFile } from "node:fs/promises";

import { workOnPicture } from "./image-work.ts";

const [file, seconds, lanes] = process.argv.slice(2);
const bytes = await readFile(file!);
const endAt = performance.now() + Number(seconds) * 1000;
let count = 0;
await Promise.all(Array.from({ length: Number(lanes) }, () => workOnMany()));
console.log(count / Number(seconds));

async function workOnMany(): Promise<void> {
  while (performance.now() < endAt) {
    await workOnPicture(bytes);
    count += 1;
  }
}
