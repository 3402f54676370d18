// Where the embedded database can be reached, in a file beside its own: for programs of the operator's that run beside
// the service. Written by `server.ts`, read through `start.ts`.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const SOCKET_FOLDER = /^letsapp-\w{6}$/;

/** What stands there when the file of the database was opened is of a process that is no more. */
export class AddressFile {
  readonly #file: string;

  /** @param databaseFile the database's own */
  constructor(databaseFile: string) {
    this.#file = `${databaseFile}.address`;
  }

  /** The URI for a driver; null when nobody has written one. It may be of a process that was killed. */
  read(): string | null {
    try {
      return readFileSync(this.#file, "utf8");
    } catch {
      return null;
    }
  }

  write(uri: string): void {
    writeFileSync(this.#file, uri, { mode: 0o600 });
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }

  /** Removes the folder of the socket that a killed process has left. */
  removeStaleSocket(): void {
    const socket = decodeURIComponent(/^mongodb:\/\/([^/]+)\//.exec(this.read() ?? "")?.[1] ?? "");
    const folder = path.dirname(socket);
    if (SOCKET_FOLDER.test(path.basename(folder))) rmSync(folder, { recursive: true, force: true });
    this.remove();
  }
}
