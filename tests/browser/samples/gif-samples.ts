// GIFs by screen, frames, palette, codes and ends.
import { extension, indexed, makeGif, TRAILER, type GifForm, type GifFrame } from "./gif.ts";
import type { Sample } from "./sample.ts";
import { colourful, transparent, type Scene } from "./scene.ts";

/** The logical screens that the decoder ignores, and some that it does not. */
const screens = [
  [640, 480],
  [640, 512],
  [800, 600],
  [1024, 768],
  [2100, 40],
  [300, 200],
] as const;

export function gifSamples(): Sample[] {
  const scene = colourful();
  const whole = frameOf(scene);
  const cases: Record<string, GifForm> = {
    plain: whole,
    interlaced: withFrame(whole, { isInterlaced: true }),
    "transparent pixels": frameOf(transparent(scene, [1, 1, 0])),
    "a local palette": { ...withFrame(whole, { localPalette: whole.palette }), palette: [] },
    "root codes of 4 bits": { ...whole, rootBits: 4 },
    "a comment after the last frame": { ...whole, end: Buffer.concat([comment, trailer]) },
    "bytes after the trailer": { ...whole, end: Buffer.concat([trailer, Buffer.from("more")]) },
    "no trailer": { ...whole, end: Buffer.alloc(0) },
    "a comment and no trailer": { ...whole, end: comment },
    "a NUL before the trailer": { ...whole, end: Buffer.concat([Buffer.of(0), trailer]) },
    "a NUL after the frame": withFrame(whole, { after: Buffer.of(0) }),
    "indices beyond the palette": { ...whole, palette: whole.palette.slice(0, 8) },
    "a background colour": { ...partly(scene), backgroundIndex: 2 },
    "a first frame that covers a part": partly(scene),
    "a first frame that covers a part, with a transparent colour": partly(scene, { transparentIndex: 15 }),
    "a first frame larger than the screen": { ...whole, width: 80, height: 60 },
    "a first frame that begins outside of the screen": withFrame(
      { ...whole, width: 80, height: 60 },
      { left: 20 },
    ),
  };
  for (const [width, height] of screens) {
    cases[`a screen of ${width} × ${height}, covered`] = frameOf(colourful(width, height));
    cases[`a screen of ${width} × ${height}, partly covered`] = {
      ...partly(colourful(width, height)),
      width,
      height,
    };
  }
  for (const disposal of [0, 1, 2, 3]) {
    cases[`two frames, disposal ${disposal}`] = animated(scene, disposal);
    cases[`two frames, disposal ${disposal}, 256 colours`] = with256Colours(animated(scene, disposal));
    cases[`two frames, disposal ${disposal}, the first one covers a part`] = animated(scene, disposal, true);
  }
  return Object.entries(cases).map(([name, form]) => ({ name: `GIF, ${name}`, bytes: makeGif(form) }));
}

const trailer = Buffer.of(TRAILER);
const comment = extension(0xfe, Buffer.from("a comment"));

/** The same with a full colour table, whose last colour is that of a pixel. */
function with256Colours(form: GifForm): GifForm {
  const palette = Array.from({ length: 256 }, (_, i) => form.palette[i] ?? [i, 255 - i, 90]);
  const [first, ...others] = form.frames;
  const indices = [255, ...first!.indices.slice(1)];
  return { ...form, palette, frames: [{ ...first!, indices }, ...others] };
}

function frameOf(scene: Scene): GifForm {
  const { palette, indices, transparentIndex } = indexed(scene);
  const { width, height } = scene;
  const hasTransparency = indices.includes(transparentIndex);
  const frame = { width, height, indices, ...(hasTransparency && { transparentIndex }) };
  return { width, height, palette, frames: [frame] };
}

function withFrame(form: GifForm, change: Partial<GifFrame>): GifForm {
  return { ...form, frames: form.frames.map((frame) => ({ ...frame, ...change })) };
}

/** The scene's screen with a frame that covers only its middle. */
function partly(scene: Scene, change: Partial<GifFrame> = {}): GifForm {
  const { palette, indices } = indexed(scene);
  const [left, top] = [Math.floor(scene.width / 5), Math.floor(scene.height / 5)];
  const [width, height] = [scene.width - 2 * left, scene.height - 2 * top];
  const inside = indices.filter((_, i) => {
    const [x, y] = [i % scene.width, Math.floor(i / scene.width)];
    return x >= left && x < left + width && y >= top && y < top + height;
  });
  const frame = { left, top, width, height, indices: inside, ...change };
  return { width: scene.width, height: scene.height, palette, frames: [frame] };
}

export function animated(scene: Scene, disposal: number, isPart = false): GifForm {
  const first = isPart ? partly(scene) : frameOf(scene);
  const square = { left: 10, top: 10, width: 60, height: 40, indices: Array.from({ length: 2400 }, () => 5) };
  return {
    ...first,
    frames: [
      { ...first.frames[0]!, disposal },
      { ...square, disposal },
      { ...square, left: 80 },
    ],
  };
}
