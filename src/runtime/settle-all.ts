// Waits for several writes that belong together.

/**
 * Waits for all writes, also when one fails, so that no write is under way when the failure is reported.
 *
 * @throws the error of the first write in the list that failed
 */
export async function settleAll(writes: Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(writes);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}
