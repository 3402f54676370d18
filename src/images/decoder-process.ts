// The child process that decodes and encodes images. `decoder-pool.ts` starts it without the service's secrets, and
// kills it when an image takes too much time or memory.
import { AppError } from "../errors.ts";
import { imageTasks, type ImageTask } from "./tasks.ts";

export interface TaskRequest {
  task: ImageTask;
  args: readonly unknown[];
}

export type TaskAnswer =
  | { result: unknown }
  | { code: AppError["code"]; message: string; status: number; details: AppError["details"]; reason: string };

/**
 * Ignores signals: a terminal also sends them to this process, but the service still needs it to finish its requests.
 * The pool ends this process.
 */
process.on("SIGTERM", () => {}).on("SIGINT", () => {});
process.on("disconnect", () => process.exit());

process.on("message", ({ task, args }: TaskRequest) => {
  void answer(task, args).then((message) => process.send!(message));
});

async function answer(task: ImageTask, args: readonly unknown[]): Promise<TaskAnswer> {
  try {
    return { result: await (imageTasks[task] as (...args: readonly unknown[]) => Promise<unknown>)(...args) };
  } catch (error) {
    const { code, message, status, details, cause } = toAppError(error);
    return { code, message, status, details, reason: (cause as Error | undefined)?.message ?? "" };
  }
}

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError("INTERNAL_SERVER_ERROR", "Something went wrong on our side.", { cause: error });
}
