// A file beside the database file that says how to connect to the embedded database. The operator's programs read it
// to use the database while the service is running.
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";

interface Address {
  /** Connection string for a MongoDB driver. */
  uri: string;
  /** The folder of the Unix socket; null on Windows, where the server listens on TCP. */
  socketFolder: string | null;
  /** The process that has opened the database. */
  pid: number;
  /** Device and inode of the database file: different ones show that the address was copied with its folder. */
  device: number;
  inode: number;
}

/** Access for the owner only. */
const PRIVATE_FOLDER_MODE = 0o700;
const SOCKET_FOLDER = /^letsapp-\w{6}$/;

export class AddressFile {
  readonly #file: string;

  constructor(readonly databaseFile: string) {
    this.#file = `${databaseFile}.address`;
  }

  /** The URI of the running process that has opened this database file; null when there is none. */
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

  /** Removes the socket folder that a killed process has left. The caller must hold the lock of the database. */
  removeStaleSocket(): void {
    const folder = this.#readOwn()?.socketFolder;
    if (folder && SOCKET_FOLDER.test(path.basename(folder)) && isPrivate(folder)) {
      rmSync(folder, { recursive: true, force: true });
    }
    this.remove();
  }

  /** The address in the file; null when it is missing, or belongs to the file that this database is a copy of. */
  #readOwn(): Address | null {
    try {
      const address = JSON.parse(readFileSync(this.#file, "utf8")) as Address;
      const { dev, ino } = statSync(this.databaseFile);
      return address.device === dev && address.inode === ino ? address : null;
    } catch {
      return null; // The file is missing or invalid.
    }
  }
}

/** True when only this user has access: in a shared temporary folder, another user may create one of the same name. */
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
