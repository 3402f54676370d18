// A TCP proxy between the service and a server that it depends on. Tests use it to cut connections and spoil responses.
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from "node:net";

/** How a response is treated: passed on, cut off before its end, withheld, or its head and then single bytes. */
export type Fault = "none" | "truncates" | "stalls" | "trickles";

const TRICKLE_MS = 300;

export class Network {
  fault: Fault = "none";
  /** Text that the client receives in place of the server's response. */
  instead: string | null = null;
  /** The port on which the proxy listens, once `connect()` has resolved. */
  port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** @param port the port to listen on; 0 for any free port */
  constructor(
    readonly far: NetConnectOpts,
    port = 0,
  ) {
    this.port = port;
  }

  /** @returns the port on which the proxy listens, which stays the same after each `cut()` */
  async connect(): Promise<number> {
    this.#server = createServer((near) => this.#join(near));
    await new Promise<void>((resolve) => this.#server!.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.#server.address() as { port: number }).port;
    return this.port;
  }

  /** Closes all connections and refuses new ones. */
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
      near.end(chunk.subarray(0, chunk.length - Math.ceil(chunk.length / 10))); // Drops the end of the first chunk.
      far.destroy();
    });
  }
}

/** Sends enough for the response head at once, then one byte every `TRICKLE_MS`. */
function trickle(near: Socket, chunk: Buffer): void {
  near.write(chunk.subarray(0, 1_500));
  let at = 1_500;
  const timer = setInterval(() => near.write(chunk.subarray(at, ++at)), TRICKLE_MS);
  near.on("close", () => clearInterval(timer));
}
