// Names this process so that others can tell whether it lives. Used by `view-journal.ts`.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Within which a process's number is its own: machines may share a name, and containers, which all begin at 1. */
const machine = createHash("sha256")
  .update([hostname(), readIfThere(bootId), readIfThere(pidNamespace)].join(" "))
  .digest("hex")
  .slice(0, 12);

/** Machine, number, and what tells this process from an earlier one with the same number. */
export function createProcessName(): string {
  return `${machine}-${process.pid}-${randomBytes(4).toString("hex")}`;
}

/** False where nobody can tell from here: on another machine. */
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

/** Linux alone has them. */
function readIfThere(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}

/** This process has its own number, also where an earlier one had it. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
