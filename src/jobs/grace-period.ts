// How long a change may be under way. Used by `cleanup-job.ts` and `doctor.ts`.

/** Far longer than any upload takes: an older unfinished one has no process any more. */
export const GRACE_PERIOD_MS = 60 * 60 * 1000;
