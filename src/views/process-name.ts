// Names this process so that other processes can tell whether it is alive.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** The scope in which a process id is unique. Machines may share a host name, and containers all start at id 1. */
const machine = createHash("sha256")
  .update([hostname(), readIfThere(bootId), readIfThere(pidNamespace)].join(" "))
  .digest("hex")
  .slice(0, 12);

/** Machine, process id, and a random part that distinguishes this process from an earlier one with the same id. */
export function createProcessName(): string {
  return `${machine}-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/** False also for a process on another machine, where its state cannot be checked. */
export function isKnownDead(processName: string): boolean {
  const [itsMachine, pid] = processName.split("-");
  return itsMachine === machine && !isRunning(Number(pid));
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
}

function pidNamespace(): string {
  return readlinkSync("/proc/self/ns/pid");
}

/** Returns "" on systems other than Linux, which lack these files. */
function readIfThere(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/** False for the id of this process: the process to check is an earlier one with the same id. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
