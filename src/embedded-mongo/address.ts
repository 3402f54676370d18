// Where the embedded database can be reached, in a file beside its own: for the operator's programs, which run beside
// the service. Written by `server.ts`, read through `start.ts`.
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

interface Address {
  /** For a driver. */
  uri: string;
  /** The folder of the socket; null where there is none. */
  socketFolder: string | null;
  /** Of the process that has opened the database. */
  pid: number;
  /** Which file that is: a copy of the folder has the same text, and another file. */
  device: number;
  inode: number;
}

/** Read and write for its user alone, and for nobody else. */
const PRIVATE_FOLDER_MODE = 0o700;
const SOCKET_FOLDER = /^letsapp-\w{6}$/;

export class AddressFile {
  readonly #file: string;

  constructor(readonly databaseFile: string) {
    this.#file = `${databaseFile}.address`;
  }

  /** The URI of the process that has opened this very file and is alive; null when there is none. */
  read(): string | null {
    const address = this.#readOwn();
    if (!address || !isRunning(address.pid)) return null;
    return address.socketFolder === null || isPrivate(address.socketFolder) ? address.uri : null;
  }

  write(uri: string, socketFolder: string | null): void {
    const { dev: device, ino: inode } = statSync(this.databaseFile);
    const address: Address = { uri, socketFolder, pid: process.pid, device, inode };
    writeFileSync(this.#file, JSON.stringify(address), { mode: 0o600 });
  }

  remove(): void {
    rmSync(this.#file, { force: true });
  }

  /** Removes the folder of the socket that a killed process has left. To be called by whoever holds the database. */
  removeStaleSocket(): void {
    const folder = this.#readOwn()?.socketFolder;
    if (folder && SOCKET_FOLDER.test(path.basename(folder)) && isPrivate(folder)) {
      rmSync(folder, { recursive: true, force: true });
    }
    this.remove();
  }

  /** What stands there of this database, and not of one whose folder was copied. */
  #readOwn(): Address | null {
    try {
      const address = JSON.parse(readFileSync(this.#file, "utf8")) as Address;
      const { dev, ino } = statSync(this.databaseFile);
      return address.device === dev && address.inode === ino ? address : null;
    } catch {
      return null; // There is none, or it is none.
    }
  }
}

/** Whether the folder is this user's alone: in a folder for temporary files anybody may make one of the same name. */
function isPrivate(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  return (
    found !== undefined && found.uid === process.getuid?.() && (found.mode & 0o777) === PRIVATE_FOLDER_MODE
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
