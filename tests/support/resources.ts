// What a process and those that it has started have used so far. Linux alone tells.
import { readFileSync } from "node:fs";

/** The kernel counts processor time in ticks. */
const TICK_MS = 10;

export interface Resources {
  /** Processor time of all threads. */
  cpuMs: number;
  residentMiB: number;
}

/** Null where the system does not tell. */
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

/** The processes that a process has started. */
export function childrenOf(processId: number): number[] {
  try {
    const text = readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Of a process and its children together. */
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
