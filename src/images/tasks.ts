// The tasks that decode or encode images, by name. `decoder-pool.ts` runs them in separate processes.
import { drawDefaultImage } from "./default-picture.ts";
import { makePicture } from "./make-picture.ts";
import { renderThumbHash } from "./placeholder.ts";
import { redrawThumbnail } from "./redraw.ts";
import { drawAnimation, drawMaster, drawSquare } from "./rendition.ts";

export const imageTasks = {
  makePicture,
  redrawThumbnail,
  drawMaster,
  drawSquare,
  drawAnimation,
  drawDefaultImage,
  renderThumbHash,
};

type ImageTasks = typeof imageTasks;
export type ImageTask = keyof ImageTasks;
export type TaskArguments<Task extends ImageTask> = Parameters<ImageTasks[Task]>;
export type TaskResult<Task extends ImageTask> = Awaited<ReturnType<ImageTasks[Task]>>;

/** Runs image tasks, in this process or in others. */
export interface ImageWorker {
  start(): void;
  run<Task extends ImageTask>(task: Task, ...args: TaskArguments<Task>): Promise<TaskResult<Task>>;
  close(): Promise<void>;
}

/** Runs tasks in this process: for the operator's programs, and for tests. */
export const inThisProcess: ImageWorker = {
  start() {},
  run(task, ...args) {
    const run = imageTasks[task] as (...args: unknown[]) => Promise<never>;
    return run(...args);
  },
  close: () => Promise.resolve(),
};
