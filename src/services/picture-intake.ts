// Receives a file and makes it safe, with a bound on all that is on its way in. Called by `profile-picture-service.ts`.
import { ByteBudget, type TakeBytes } from "../domain/byte-budget.ts";
import type { Look } from "../domain/look.ts";
import { cleanOriginalFilename } from "../domain/original-filename.ts";
import type { Reports } from "../domain/reports.ts";
import type { PictureMaker, SafePicture } from "../images/picture-maker.ts";
import type { ReadUpload } from "./read-upload.ts";

/** A file on its way in, read only once it is wanted. Nothing that its sender says of it is believed. */
export interface IncomingFile {
  /** The whole file. Rejects like `read-upload.ts`. */
  read(take: TakeBytes): Promise<ReadUpload>;
}

export interface ReceivedPicture {
  picture: SafePicture;
  originalFilename: string;
  look: Look;
}

/** Of all files together that have come in and are not pictures yet: forty of the largest. */
const MAX_RECEIVED_BYTES = 32 * 1024 * 1024;

export class PictureIntake {
  readonly #received = new ByteBudget("uploads", MAX_RECEIVED_BYTES);

  constructor(
    readonly pictures: PictureMaker,
    readonly reports: Reports,
  ) {}

  /** @throws FILE_TOO_LARGE, BAD_USER_INPUT, UNSUPPORTED_IMAGE_TYPE, UNREADABLE_IMAGE, IMAGE_TOO_COMPLEX, OVERLOADED */
  async receive(file: IncomingFile): Promise<ReceivedPicture> {
    return this.#received.hold(async (take) => {
      const { bytes, declaredFilename, look } = await file.read(take);
      const picture = await this.#make(bytes, look);
      return { picture, originalFilename: cleanOriginalFilename(declaredFilename), look };
    });
  }

  async #make(bytes: Buffer, look: Look): Promise<SafePicture> {
    const startedAt = performance.now();
    try {
      return await this.pictures.make(bytes, look);
    } finally {
      this.reports.pictureMade((performance.now() - startedAt) / 1000);
    }
  }
}
