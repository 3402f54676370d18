// Runs several writes that count as one.

/** Waits for all writes, also when one fails, so that no write is under way when the failure is reported. */
export async function allOrNone(writes: Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(writes);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
