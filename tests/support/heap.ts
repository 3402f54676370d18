// Measures how much memory of the JavaScript heap a piece of work keeps.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Bytes of the heap that are in use after `work` and were not before. The caller must keep what `work` fills. */
export async function bytesKeptBy(work: () => unknown): Promise<number> {
  const before = heapBytes();
  await work();
  return heapBytes() - before;
}
