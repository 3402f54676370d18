// Makes squares of pictures in several sizes and formats. A square is made when a client first requests it, and then
// kept on the disk.
import type { FastifyBaseLogger } from "fastify";

import type { MediaRepository } from "../database/media-repository.ts";
import { Cache } from "../runtime/cache.ts";
import type { MediaId } from "../domain/ids.ts";
import { objectSizeOf, type Media } from "../domain/media.ts";
import type { RenditionFormat, PictureSize } from "../domain/rendition.ts";
import { AppError } from "../errors.ts";
import { estimateAnimationMemory, SQUARE_MEMORY_BYTES } from "../images/cost.ts";
import { latestStartMs, type PictureMaker, type Work } from "../images/picture-maker.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import type { RenditionFolder } from "../storage/rendition-folder.ts";
import { prepareOriginalWork } from "./original-work.ts";

/** Increment this when the code starts to make other bytes of the same picture. File names and etags contain it. */
export const RENDITION_VERSION = 2;

/** How long the service waits before it tries again to make a square that could not be made. */
const FAILURE_MS = 60_000;
const MAX_FAILURE_COUNT = 10_000;

export interface SquareForm {
  sidePx: PictureSize;
  format: RenditionFormat;
  isAnimated: boolean;
}

/** Returns a name that is unique among the squares of one picture. */
export function renditionNameOf({ sidePx, format, isAnimated }: SquareForm): string {
  return `${sidePx}${isAnimated ? "-animated" : ""}-v${RENDITION_VERSION}.${format}`;
}

/**
 * Total size of the masters in memory. A master is the lossless source of a picture's squares, 0.5 MB for a photograph.
 * Clients request one picture in several sizes one after another.
 */
const MASTERS_BYTES = 32 * 1024 * 1024;

export class Renditions {
  readonly #failures = new Cache<string, AppError>({ maxWeight: MAX_FAILURE_COUNT, maxAgeMs: FAILURE_MS });
  readonly #masters = new Cache<MediaId, Buffer | null>({
    maxWeight: MASTERS_BYTES,
    weightOf: (master) => master?.length ?? 0,
  });

  constructor(
    readonly media: MediaRepository,
    readonly storage: ObjectStorage,
    readonly folder: RenditionFolder,
    readonly pictureMaker: Pick<PictureMaker, "run">,
    readonly log: FastifyBaseLogger,
  ) {}

  get memoryBytes(): number {
    return this.#masters.state.weight;
  }

  /** Finds the squares that an earlier process has left on the disk. Removes those of hidden pictures. */
  async start(): Promise<void> {
    try {
      await this.folder.open();
      await this.review();
    } catch (error) {
      this.log.error({ err: error }, "could not list the squares on the disk");
    }
  }

  /** Removes squares and masters of hidden pictures whose change this process has missed. */
  async review(): Promise<void> {
    try {
      const ids = [...new Set([...this.folder.ids(), ...this.#masters.keys()])];
      for await (const id of this.media.findHiddenAmong(ids)) await this.forget(id);
    } catch (error) {
      this.log.error({ err: error }, "could not remove the squares of hidden pictures");
    }
  }

  /**
   * Reads a square from the disk, or makes it.
   *
   * @param client a user's id, or a network address: clients take turns at image work
   * @returns null when the original's bytes are missing
   * @throws OVERLOADED, IMAGE_TOO_COMPLEX, STORAGE_UNAVAILABLE; UNREADABLE_IMAGE for a damaged original
   */
  async read(media: Media, square: SquareForm, client: string): Promise<Buffer | null> {
    const name = renditionNameOf(square);
    const kept = await this.#readKept(media.id, name);
    if (kept) return kept;
    const startByMs = latestStartMs(); // A square may take two jobs, which share the time to wait.
    const made = await this.#rememberingFailure(`${media.id}/${name}`, () =>
      square.isAnimated
        ? this.#animate(media, square, client, startByMs)
        : this.#draw(media, square, client, startByMs),
    );
    if (made) await this.#keep(media.id, name, made);
    return made;
  }

  /** Removes the squares and the master of a hidden picture. */
  async forget(id: MediaId): Promise<void> {
    this.#masters.delete(id);
    try {
      await this.folder.remove(id);
    } catch (error) {
      this.log.error({ err: error, mediaId: id }, "could not remove the squares of a hidden picture");
    }
  }

  async #draw(
    media: Media,
    { sidePx, format }: SquareForm,
    client: string,
    startByMs: number,
  ): Promise<Buffer | null> {
    const master = await this.#readMaster(media, client, startByMs);
    if (!master) return null;
    const prepare = async (): Promise<Work<"drawSquare">> => ({
      memoryBytes: SQUARE_MEMORY_BYTES,
      task: "drawSquare",
      args: [master, sidePx, format],
    });
    return this.pictureMaker.run("squares", client, prepare, startByMs);
  }

  /** Draws an animated square, or a still one if the original is not animated or is too large to animate. */
  async #animate(
    media: Media,
    square: SquareForm,
    client: string,
    startByMs: number,
  ): Promise<Buffer | null> {
    let isStill = false;
    const prepare = async (): Promise<Work<"drawAnimation"> | null> => {
      const original = await this.storage.read(media.objectKey, objectSizeOf(media));
      const memoryBytes = original && (await estimateAnimationMemory(original));
      isStill = memoryBytes === null;
      return original && memoryBytes !== null
        ? { memoryBytes, task: "drawAnimation", args: [original, square.sidePx, media.look] }
        : null;
    };
    const animation = await this.pictureMaker.run("animations", client, prepare, startByMs);
    return isStill ? this.#draw(media, square, client, startByMs) : animation;
  }

  async #rememberingFailure<Result>(key: string, make: () => Promise<Result>): Promise<Result> {
    const failure = this.#failures.get(key);
    if (failure) throw failure;
    try {
      return await make();
    } catch (error) {
      if (error instanceof AppError && error.status < 500) this.#failures.set(key, error);
      throw error;
    }
  }

  /** Concurrent requests for squares of one picture share one decoding of its original. */
  #readMaster(media: Media, client: string, startByMs: number): Promise<Buffer | null> {
    const prepare = () => prepareOriginalWork("drawMaster", media, this.storage);
    return this.#masters.load(media.id, () => this.pictureMaker.run("squares", client, prepare, startByMs));
  }

  /** Returns null also when the disk fails: the square is then made again. */
  async #readKept(id: MediaId, name: string): Promise<Buffer | null> {
    try {
      return await this.folder.read(id, name);
    } catch (error) {
      this.log.error({ err: error, mediaId: id }, "could not read a square from the disk; making it again");
      return null;
    }
  }

  /** Only logs errors, because the client gets the square anyway. Keeps nothing if the picture was hidden by then. */
  async #keep(id: MediaId, name: string, bytes: Buffer): Promise<void> {
    try {
      await this.folder.write(id, name, bytes);
      const [isVisible] = await this.media.findVisibleIds([id]);
      if (!isVisible) await this.folder.remove(id);
    } catch (error) {
      this.log.error({ err: error, mediaId: id }, "could not write a square to the disk");
    }
  }
}
