// Several writes that count as one. Used by `services/profile-picture-service.ts`.

/** Waits for the end of all, also when one fails: no write goes on behind an answer that says it failed. */
export async function allOrNone(writes: Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(writes);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
