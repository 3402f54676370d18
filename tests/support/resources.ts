// Reads the processor time and memory of a process and its children from Linux's `/proc`.
import { readFileSync } from "node:fs";

/** The unit in which the kernel counts processor time. */
const TICK_MS = 10;

export interface Resources {
  /** Processor time of all threads. */
  cpuMs: number;
  residentMiB: number;
}

/** Returns null when `/proc` has no entry for the process. */
export function resourcesOf(processId: number): Resources | null {
  try {
    const fields = readFileSync(`/proc/${processId}/stat`, "utf8").split(") ")[1]!.split(" ");
    const status = readFileSync(`/proc/${processId}/status`, "utf8");
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      residentMiB: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024,
    };
  } catch {
    return null;
  }
}

/** Ids of the direct children of a process; empty when `/proc` does not list them. */
export function childrenOf(processId: number): number[] {
  try {
    const text = readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The sum over a process and its direct children; null when `/proc` has no entry for the process. */
export function resourcesOfAll(processId: number): Resources | null {
  const all = [processId, ...childrenOf(processId)].map(resourcesOf);
  if (!all[0]) return null;
  return all.reduce<Resources>(
    (sum, one) => ({
      cpuMs: sum.cpuMs + (one?.cpuMs ?? 0),
      residentMiB: sum.residentMiB + (one?.residentMiB ?? 0),
    }),
    { cpuMs: 0, residentMiB: 0 },
  );
}
