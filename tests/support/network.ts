// The network between us and a server that we depend on, and what can happen to it. Used by the tests of faults.
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";

/** What becomes of an answer: it comes, its end is missing, or nothing of it ever comes. */
export type Fault = "none" | "truncates" | "stalls";

export class Network {
  fault: Fault = "none";
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port: number;

  /** @param port by which the server is reached; 0 for any */
  constructor(
    readonly far: NetConnectOpts,
    port = 0,
  ) {
    this.#port = port;
  }

  /** @returns the port by which the server is reached: the same after each cut */
  async connect(): Promise<number> {
    this.#server = createServer((near) => this.#join(near));
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as { port: number }).port;
    return this.#port;
  }

  /** All connections end, and nobody gets another one. */
  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server!.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(near: Socket): void {
    const far = connect(this.far);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => this.#sockets.delete(socket));
    }
    near.pipe(far);
    near.on("close", () => far.destroy());
    far.on("close", () => near.end());
    far.on("data", (chunk) => {
      if (this.fault === "stalls") return;
      if (this.fault === "none") return void near.write(chunk);
      near.end(chunk.subarray(0, chunk.length - Math.ceil(chunk.length / 10))); // The first part without its end.
      far.destroy();
    });
  }
}
