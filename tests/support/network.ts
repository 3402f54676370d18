// The network between us and a server that we depend on, and what can happen to it. Used by the tests of faults.
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";

/** What becomes of an answer: it comes, its end is missing, nothing of it ever comes, or its head and then a byte at times. */
export type Fault = "none" | "truncates" | "stalls" | "trickles";

const TRICKLE_MS = 300;

export class Network {
  fault: Fault = "none";
  /** What somebody in between says in the server's place. */
  instead: string | null = null;
  /** By which the server is reached, once it is connected. */
  port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** @param port by which the server is reached; 0 for any */
  constructor(
    readonly far: NetConnectOpts,
    port = 0,
  ) {
    this.port = port;
  }

  /** @returns the port by which the server is reached: the same after each cut */
  async connect(): Promise<number> {
    this.#server = createServer((near) => this.#join(near));
    await new Promise<void>((resolve) => this.#server!.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.#server.address() as { port: number }).port;
    return this.port;
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
    near.on("data", (chunk) => {
      if (this.instead === null) far.write(chunk);
      else near.end(this.instead);
    });
    near.on("end", () => far.end());
    near.on("close", () => far.destroy());
    far.on("close", () => near.end());
    far.on("data", (chunk) => {
      if (this.fault === "stalls") return;
      if (this.fault === "trickles") return trickle(near, chunk);
      if (this.fault === "none") return void near.write(chunk);
      near.end(chunk.subarray(0, chunk.length - Math.ceil(chunk.length / 10))); // The first part without its end.
      far.destroy();
    });
  }
}

/** Enough for the head of an answer at once. */
function trickle(near: Socket, chunk: Buffer): void {
  near.write(chunk.subarray(0, 1_500));
  let at = 1_500;
  const timer = setInterval(() => near.write(chunk.subarray(at, ++at)), TRICKLE_MS);
  near.on("close", () => clearInterval(timer));
}
