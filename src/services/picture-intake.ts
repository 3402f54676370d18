// Receives an uploaded file and makes its picture safe, with a bound on the memory of all uploads under way.
import { ByteBudget, type BudgetShare } from "../runtime/byte-budget.ts";
import type { UserId } from "../domain/ids.ts";
import type { Look } from "../domain/look.ts";
import { cleanOriginalFilename } from "../domain/original-filename.ts";
import type { Reports } from "./reports.ts";
import type { SafePicture } from "../images/make-picture.ts";
import { recogniseFormat } from "../images/image-format.ts";
import type { PictureMaker } from "../images/picture-maker.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { ReadUpload } from "./read-upload.ts";

/** An uploaded file that is read only on request. The client's filename and content type are not trusted. */
export interface IncomingFile {
  /** Reads the whole file. @throws as `readUpload`, and the errors of `translateUploadError` */
  read(share: Pick<BudgetShare, "take" | "signal">): Promise<ReadUpload>;
}

export interface ReceivedPicture {
  picture: SafePicture;
  originalFilename: string;
  look: Look;
}

/** Room for 40 of the largest files. A user whose two uploads stall delays only that user's own next upload. */
const limits = { maxBytes: 32 * 1024 * 1024, maxConcurrentPerClient: 2, maxWaitMs: 8_000 };

export class PictureIntake {
  readonly #received = new ByteBudget("uploads", limits);

  constructor(
    readonly pictureMaker: PictureMaker,
    readonly rateLimits: Pick<RateLimits, "consumeUpload">,
    readonly reports: Reports,
  ) {}

  /**
   * The upload counts for the rate limit once its size and its first bytes are accepted, before its image is parsed.
   *
   * @throws FILE_TOO_LARGE, BAD_USER_INPUT, UNSUPPORTED_IMAGE_TYPE, OVERLOADED without counting the upload
   * @throws RATE_LIMITED, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX, OVERLOADED after that
   */
  async receive(userId: UserId, file: IncomingFile): Promise<ReceivedPicture> {
    return this.#received.hold(userId, async (share) => {
      const { bytes, declaredFilename, look } = await file.read(share);
      share.complete();
      await recogniseFormat(bytes);
      await this.rateLimits.consumeUpload(userId);
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
