// The server of the embedded database. MongoDB drivers connect to a Unix socket that only this user can access, or on
// Windows to a loopback port. `commands.ts` runs their commands.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { AddressFile } from "./address.ts";
import { Commands } from "./commands.ts";
import { Store } from "./store.ts";
import { decodeRequest, encodeAnswer, MessageReader } from "./wire.ts";

/** Socket paths have up to 107 bytes on Linux and 103 on macOS. `/letsapp-XXXXXX/mongodb.sock` takes 28 of them. */
const MAX_FOLDER_BYTES = 75;

/** A MongoDB server that stores all data in one file. */
export class EmbeddedMongoServer {
  readonly #store: Store;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #address: AddressFile;
  #socketFolder: string | undefined;

  private constructor(store: Store, address: AddressFile) {
    this.#store = store;
    this.#address = address;
    const commands = new Commands(store);
    this.#server = createServer((socket) => this.#accept(socket, commands));
  }

  /**
   * Opens the file and listens.
   *
   * @throws Error when the file is locked, unreadable or has a newer format
   */
  static async start(file: string): Promise<{ server: EmbeddedMongoServer; uri: string }> {
    const server = new EmbeddedMongoServer(new Store(file), new AddressFile(file));
    try {
      server.#address.removeStaleSocket(); // This process holds the lock, so the one that wrote the address has ended.
      const uri = await server.#listen();
      server.#address.write(uri, server.#socketFolder ?? null);
      return { server, uri };
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Ends all connections and closes the file. */
  async close(): Promise<void> {
    for (const socket of this.#connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#socketFolder) rmSync(this.#socketFolder, { recursive: true, force: true });
    this.#address.remove();
    this.#store.close();
  }

  /** Listens, and resolves to the URI for a driver. */
  async #listen(): Promise<string> {
    const listening = new Promise<void>((resolve, reject) => {
      this.#server.once("listening", resolve).once("error", reject);
    });
    if (process.platform === "win32") {
      this.#server.listen(0, "127.0.0.1");
      await listening;
      return `mongodb://127.0.0.1:${(this.#server.address() as AddressInfo).port}/?directConnection=true`;
    }
    const parent = Buffer.byteLength(tmpdir()) <= MAX_FOLDER_BYTES ? tmpdir() : "/tmp";
    this.#socketFolder = makeSocketFolder(parent);
    const socketPath = path.join(this.#socketFolder, "mongodb.sock");
    this.#server.listen(socketPath);
    await listening;
    return `mongodb://${encodeURIComponent(socketPath)}/?directConnection=true`;
  }

  #accept(socket: Socket, commands: Commands): void {
    const reader = new MessageReader();
    this.#connections.add(socket);
    socket.on("close", () => this.#connections.delete(socket));
    socket.on("error", () => socket.destroy()); // The client has disconnected. Its driver reports the error.
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const message of reader.push(chunk)) {
          const request = decodeRequest(message);
          const answer = commands.run(request.command);
          if (request.expectsAnswer) socket.write(encodeAnswer(request, answer));
        }
      } catch (error) {
        // The bytes are not a MongoDB message, so the start of the next message is unknown.
        socket.destroy(error as Error);
      }
    });
  }
}

/** Creates a folder with mode 0700. @throws Error that names TMPDIR */
function makeSocketFolder(parent: string): string {
  try {
    return mkdtempSync(path.join(parent, "letsapp-"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(
      `the folder for temporary files, ${parent}, cannot be used (${code}); set TMPDIR to another folder`,
      {
        cause: error,
      },
    );
  }
}
