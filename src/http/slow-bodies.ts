// Ends requests whose body arrives too slowly. An upload is limited by its rate, not by its time: a fixed time would
// demand a higher rate from large pictures than from small ones.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

import { isMultipart } from "./is-multipart.ts";
import { hasBody } from "./request-body.ts";

export interface BodyLimits {
  /** Time for the body of a request that is not an upload. */
  requestMs: number;
  /** Time after which an upload must have the minimum rate. */
  uploadGraceMs: number;
  /** Minimum mean rate of an upload since its start. */
  minUploadBytesPerSecond: number;
  checkIntervalMs: number;
}

interface ArrivingBody {
  startedAtMs: number;
  /** Bytes that the connection had received when the request started. */
  bytesBefore: number;
}

export class SlowBodies {
  readonly #arriving = new Map<IncomingMessage, ArrivingBody>();
  #timer: NodeJS.Timeout | undefined;

  /** @param refuse closes the connection of a request that is too slow, and answers it if that is still possible */
  constructor(
    readonly limits: BodyLimits,
    readonly refuse: (socket: Socket) => void,
  ) {}

  /** Watches the body of a request until it has arrived, or the connection has ended. */
  watch(request: IncomingMessage): void {
    if (!hasBody(request.headers)) return;
    const { bytesRead } = request.socket;
    this.#arriving.set(request, { startedAtMs: performance.now(), bytesBefore: bytesRead });
    request.once("close", () => this.#arriving.delete(request));
    this.#timer ??= setInterval(() => this.#check(), this.limits.checkIntervalMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const now = performance.now();
    for (const [request, body] of this.#arriving) {
      if (request.complete) continue; // The body has arrived, and a handler has yet to read it.
      if (!this.#isTooSlow(request, body, now)) continue;
      this.#arriving.delete(request);
      this.refuse(request.socket);
    }
  }

  #isTooSlow({ headers, socket }: IncomingMessage, body: ArrivingBody, now: number): boolean {
    const { requestMs, uploadGraceMs, minUploadBytesPerSecond } = this.limits;
    const ageMs = now - body.startedAtMs;
    if (!isMultipart(headers)) return ageMs > requestMs;
    if (ageMs <= uploadGraceMs) return false;
    return socket.bytesRead - body.bytesBefore < (minUploadBytesPerSecond * ageMs) / 1000;
  }
}
