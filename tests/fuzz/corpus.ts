// The pictures that the fuzzer spoils: one of each kind, small, so that many runs fit into a second.
import sharp from "sharp";

import * as sampleImages from "../support/sample-images.ts";

export interface Sample {
  name: string;
  format: "jpeg" | "png" | "gif";
  bytes: Buffer;
}

const makers: Record<string, () => Buffer | Promise<Buffer>> = {
  camera: sampleImages.cameraJpeg,
  portrait: sampleImages.portraitJpeg,
  progressive: sampleImages.progressiveJpeg,
  cmyk: sampleImages.cmykJpeg,
  displayP3: sampleImages.displayP3Jpeg,
  oriented: () => sampleImages.orientedJpeg(6),
  restartIntervals: sampleImages.restartJpeg,
  progressiveRestarts: sampleImages.progressiveRestartJpeg,
  separateScans: sampleImages.separateScansJpeg,
  arithmetic: sampleImages.arithmeticJpeg,
  tinyJpeg: async () =>
    sharp(await sampleImages.onePixelPng())
      .jpeg()
      .toBuffer(),
  palette: sampleImages.palettePng,
  interlaced: sampleImages.interlacedPng,
  sixteenBits: sampleImages.png16,
  grey: sampleImages.greyPng,
  transparent: sampleImages.transparentPng,
  onePixel: sampleImages.onePixelPng,
  still: sampleImages.stillGif,
  interlacedGif: sampleImages.interlacedGif,
  transparentGif: sampleImages.transparentGif,
  animated: () => sampleImages.animatedGif(3),
  flood: () => sampleImages.frameFloodGif(250),
};

export class Corpus {
  private constructor(readonly samples: readonly Sample[]) {}

  static async create(): Promise<Corpus> {
    const samples = await Promise.all(
      Object.entries(makers).map(async ([name, make]) => {
        const bytes = await make();
        return { name, bytes, format: formatOf(bytes) };
      }),
    );
    return new Corpus(samples);
  }
}

function formatOf(bytes: Buffer): Sample["format"] {
  return bytes[0] === 0xff ? "jpeg" : bytes[0] === 0x89 ? "png" : "gif";
}
