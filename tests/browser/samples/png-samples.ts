// PNGs by colour type, bit depth, colour chunks, interlacing and orientation.
import { pngChunk } from "../../support/sample-images.ts";
import { exif } from "./jpeg.ts";
import {
  chromaticitiesChunk,
  codePointsChunk,
  gammaChunk,
  makePng,
  profileChunk,
  type PngKind,
} from "./png.ts";
import { greyProfiles, rgbProfiles, type Sample } from "./sample.ts";
import { colourful, grey, storedFor, transparent, type Scene } from "./scene.ts";

interface PngColours {
  chunks: Buffer[];
  /** Bright light is brought down to what a screen has. The result for colours differs from one program to another. */
  isHdr?: boolean;
  isGreyOnly?: boolean;
  isRgbOnly?: boolean;
}

const SRGB_POINTS = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];
const P3_POINTS = [0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06];

const pngColours: Record<string, PngColours> = {
  plain: { chunks: [] },
  "sRGB chunk": { chunks: [pngChunk("sRGB", Buffer.of(0))] },
  "gamma 1": { chunks: [gammaChunk(1)] },
  "gamma 0.55": { chunks: [gammaChunk(0.55)] },
  "gamma 0.45455": { chunks: [gammaChunk(0.45455)] },
  "gamma and sRGB points": { chunks: [gammaChunk(0.45455), chromaticitiesChunk(SRGB_POINTS)] },
  "gamma and P3 points": { chunks: [gammaChunk(0.45455), chromaticitiesChunk(P3_POINTS)] },
  "P3 points": { chunks: [chromaticitiesChunk(P3_POINTS)] },
  "cICP sRGB": { chunks: [codePointsChunk(1, 13)] },
  "cICP P3": { chunks: [codePointsChunk(12, 13)] },
  "cICP BT.709": { chunks: [codePointsChunk(1, 1)] },
  "cICP linear": { chunks: [codePointsChunk(1, 8)] },
  "cICP PQ": { chunks: [codePointsChunk(9, 16)], isHdr: true },
  "cICP HLG": { chunks: [codePointsChunk(9, 18)], isHdr: true },
  "cICP P3 over a gamma": { chunks: [gammaChunk(1), codePointsChunk(12, 13)] },
  "profile P3": { chunks: [profileChunk(rgbProfiles["Display P3"])], isRgbOnly: true },
  "profile P3 over a gamma": {
    chunks: [gammaChunk(1), profileChunk(rgbProfiles["Display P3"])],
    isRgbOnly: true,
  },
  "grey profile": { chunks: [profileChunk(greyProfiles["dot gain"])], isGreyOnly: true },
};

const pngKinds: readonly [PngKind, number][] = [
  ["grey", 1],
  ["grey", 2],
  ["grey", 4],
  ["grey", 8],
  ["grey", 16],
  ["rgb", 8],
  ["rgb", 16],
  ["palette", 4],
  ["palette", 8],
  ["grey+alpha", 8],
  ["grey+alpha", 16],
  ["rgba", 8],
  ["rgba", 16],
];

export function pngSamples(): Sample[] {
  return pngKinds.flatMap(([kind, bitDepth]) => {
    const isGrey = kind.startsWith("grey");
    return Object.entries(pngColours)
      .filter(([, { isGreyOnly, isRgbOnly }]) => !(isGrey ? isRgbOnly : isGreyOnly))
      .flatMap(([colours, { chunks, isHdr = false }], index) => {
        const scene = sceneOf(kind, isGrey || isHdr);
        const name = `PNG, ${kind} of ${bitDepth} bits, ${colours}`;
        const orientation = 2 + (index % 7);
        const turned = [...chunks, pngChunk("eXIf", exif(orientation))];
        const isColourManaged = chunks.length > 0;
        return [
          { name, bytes: makePng(scene, { kind, bitDepth, chunks }), isColourManaged },
          {
            name: `${name}, interlaced`,
            bytes: makePng(scene, { kind, bitDepth, chunks, isInterlaced: true }),
            isColourManaged,
          },
          {
            name: `${name}, orientation ${orientation}`,
            bytes: makePng(storedFor(orientation, scene), { kind, bitDepth, chunks: turned }),
            isColourManaged,
          },
        ];
      });
  });
}

function sceneOf(kind: PngKind, isGrey: boolean): Scene {
  const scene = isGrey ? grey() : colourful();
  if (kind.endsWith("a") || kind.endsWith("alpha")) return transparent(scene, [1, 0.5, 1, 0, 1]);
  return kind === "palette" ? transparent(scene, [1, 1, 0]) : scene;
}
