// Schedules all work on images. Clients take turns in one shared queue. Work other than uploads first waits in a queue
// for its kind. The work itself runs in another process, see `decoder-pool.ts`.
import { plainLook, type Look } from "../domain/look.ts";
import { pictureLimits } from "../domain/picture-format.ts";
import { WorkQueue, type WorkLimits } from "../runtime/work-queue.ts";
import { estimateMemory } from "./image-header.ts";
import type { SafePicture } from "./make-picture.ts";
import { parseUpload } from "./parse.ts";
import type { ImageTask, ImageWorker, TaskArguments, TaskResult } from "./tasks.ts";

/** Maximum wait for a turn: a client is waiting for the answer. */
const MAX_WAIT_MS = 8_000;

/** Returns the time by which all image work of a request that begins now must start, for `performance.now()`. */
export function latestStartMs(): number {
  return performance.now() + MAX_WAIT_MS;
}

/** A kind's queue passes one job at a time to the shared queue, so each kind has at most one job there. */
const oneAtATime = { maxConcurrent: 1, maxWaitMs: MAX_WAIT_MS, maxMemoryBytes: Infinity };

/** Limits of work other than uploads. Placeholders may wait ten minutes, because no request waits for them. */
const kindLimits = {
  squares: { ...oneAtATime, maxWaiting: 64 },
  animations: { ...oneAtATime, maxWaiting: 8 },
  placeholders: { ...oneAtATime, maxWaiting: 1_000, maxWaitMs: 600_000 },
} satisfies Record<string, WorkLimits>;

export type WorkKind = keyof typeof kindLimits;

/** A task, and the maximum memory that it takes. */
export interface Work<Task extends ImageTask> {
  memoryBytes: number;
  task: Task;
  args: TaskArguments<Task>;
}

export class PictureMaker {
  /** The shared queue. All work passes through it. */
  readonly #queue: WorkQueue;
  readonly #queueOfKind: Record<WorkKind, WorkQueue>;

  constructor(
    limits: Pick<WorkLimits, "maxConcurrent" | "maxWaiting">,
    readonly worker: ImageWorker,
  ) {
    this.#queue = new WorkQueue("pictures", {
      ...limits,
      maxWaitMs: MAX_WAIT_MS,
      maxMemoryBytes: pictureLimits.maxSharedMemoryBytes,
      // Each kind has one job there at most, for all viewers together: uploads of many accounts cannot shut it out.
      reservedClients: new Set(Object.keys(kindLimits)),
    });
    this.#queueOfKind = {
      squares: new WorkQueue("pictures", kindLimits.squares),
      animations: new WorkQueue("animations", kindLimits.animations),
      placeholders: new WorkQueue("placeholders", kindLimits.placeholders),
    };
  }

  /** Number of pictures in work, and of pictures that are waiting. */
  get state(): { running: number; waiting: number } {
    return this.#queue.state;
  }

  /**
   * Makes an upload safe to store and show.
   *
   * @param client the user's id
   * @throws UNSUPPORTED_IMAGE_TYPE when the bytes are not a JPEG, PNG or GIF
   * @throws IMAGE_TOO_COMPLEX before a pixel is decoded, or when the work takes too long
   * @throws UNREADABLE_IMAGE when the image is corrupt or ends early
   * @throws OVERLOADED when too many pictures are waiting, or this one has waited too long
   */
  async make(bytes: Buffer, client: string, look: Look = plainLook): Promise<SafePicture> {
    const { header, toStripped } = await parseUpload(bytes);
    return this.#queue.run(client, estimateMemory(header, bytes.length), async () => {
      const picture = await this.worker.run("makePicture", bytes, look);
      return { ...picture, original: picture.original ?? toStripped() };
    });
  }

  /**
   * Runs work on images other than uploads.
   *
   * @param client a user's id, or a network address
   * @param prepare reads the input when the client's turn comes, so that only one job of each kind holds its input in
   * memory. Returns null if there is nothing to do.
   * @param startByMs limits the waits in both queues together; see `latestStartMs`
   * @throws OVERLOADED, and what the task and `prepare` throw
   */
  async run<Task extends ImageTask>(
    kind: WorkKind,
    client: string,
    prepare: () => Promise<Work<Task> | null>,
    startByMs = performance.now() + kindLimits[kind].maxWaitMs,
  ): Promise<TaskResult<Task> | null> {
    const passOn = async (): Promise<TaskResult<Task> | null> => {
      const work = await prepare();
      if (!work) return null;
      const { memoryBytes, task, args } = work;
      const job = () => this.worker.run(task, ...args) as Promise<TaskResult<Task>>;
      // In the shared queue, a kind of work counts as one client, so it takes turns with the users who upload.
      return this.#queue.run(kind, memoryBytes, job, startByMs);
    };
    return this.#queueOfKind[kind].run(client, 0, passOn, startByMs);
  }

  start(): void {
    this.worker.start();
  }

  close(): Promise<void> {
    return this.worker.close();
  }
}
