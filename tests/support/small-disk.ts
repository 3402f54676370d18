// A file system of a few megabytes that tests can fill or make read-only. Mounting it needs Linux and root.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** True when this process may mount a file system. */
export const canMount = (() => {
  const folder = mkdtempSync(path.join(tmpdir(), "letsapp-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();

export class SmallDisk {
  private constructor(readonly folder: string) {}

  static async mount(
    mebibytes: number,
    folder = mkdtempSync(path.join(tmpdir(), "letsapp-disk-")),
  ): Promise<SmallDisk> {
    mkdirSync(folder, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", folder]);
    return new SmallDisk(folder);
  }

  /** Fills the disk until only `freeBytes` are left. */
  async fill(freeBytes = 0): Promise<void> {
    const file = await open(this.#filler, "w");
    try {
      for (let position = 0; ; position += 4096) await file.write(Buffer.alloc(4096), 0, 4096, position);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      const { size } = await file.stat();
      await file.truncate(Math.max(0, size - freeBytes));
    } finally {
      await file.close();
    }
  }

  async empty(): Promise<void> {
    await rm(this.#filler, { force: true });
  }

  async setReadOnly(isReadOnly: boolean): Promise<void> {
    await run("mount", ["-o", `remount,${isReadOnly ? "ro" : "rw"}`, this.folder]);
  }

  async unmount(): Promise<void> {
    await run("umount", ["-l", this.folder]);
    await rm(this.folder, { recursive: true, force: true });
  }

  get #filler(): string {
    return path.join(this.folder, "filler");
  }
}
