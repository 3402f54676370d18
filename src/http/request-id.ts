// Makes request ids, which answers and log lines have. An id is our own, because a client's could contain anything.
import { randomUUID } from "node:crypto";

/** Random, so that ids of several processes differ. */
const prefix = randomUUID().slice(0, 24);
let count = 0;

/** A UUID whose last group counts: a random one for each request would take a tenth of the time of a 304. */
export function nextRequestId(): string {
  count += 1;
  return prefix + count.toString(16).padStart(12, "0");
}
