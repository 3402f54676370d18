// Receives a file and makes it safe, with a bound on all that is on its way in.
import { ByteBudget, type BudgetShare } from "../runtime/byte-budget.ts";
import type { UserId } from "../domain/ids.ts";
import type { Look } from "../domain/look.ts";
import { cleanOriginalFilename } from "../domain/original-filename.ts";
import type { Reports } from "./reports.ts";
import type { SafePicture } from "../images/make-picture.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import type { ReadUpload } from "./read-upload.ts";

/** A file on its way in, read only once it is wanted. Nothing that its sender says of it is believed. */
export interface IncomingFile {
  /** The whole file. Rejects like `read-upload.ts`. */
  read(share: Pick<BudgetShare, "take" | "signal">): Promise<ReadUpload>;
}

export interface ReceivedPicture {
  picture: SafePicture;
  originalFilename: string;
  look: Look;
}

/** Up to 40 of the largest files, and two of one user: a user whose uploads stall delays only that user's next ones. */
const limits = { maxBytes: 32 * 1024 * 1024, maxConcurrentPerClient: 2, maxWaitMs: 8_000 };

export class PictureIntake {
  readonly #received = new ByteBudget("uploads", limits);

  constructor(
    readonly pictureMaker: PictureMaker,
    readonly reports: Reports,
  ) {}

  /** @throws FILE_TOO_LARGE, BAD_USER_INPUT, UNSUPPORTED_IMAGE_TYPE, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX, OVERLOADED */
  async receive(userId: UserId, file: IncomingFile): Promise<ReceivedPicture> {
    return this.#received.hold(userId, async (share) => {
      const { bytes, declaredFilename, look } = await file.read(share);
      share.complete();
      const picture = await this.#make(bytes, userId, look);
      return { picture, originalFilename: cleanOriginalFilename(declaredFilename), look };
    });
  }

  async #make(bytes: Buffer, userId: UserId, look: Look): Promise<SafePicture> {
    const startedAt = performance.now();
    try {
      return await this.pictureMaker.make(bytes, userId, look);
    } finally {
      this.reports.pictureMade((performance.now() - startedAt) / 1000);
    }
  }
}
