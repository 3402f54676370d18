// The picture that all samples show: patches of plain colour, so that a mistake in colour, orientation or shape moves
// a patch or changes its colour.

/** Red, green, blue and opacity, each 0 to 1. */
export type Colour = readonly [red: number, green: number, blue: number, alpha: number];

export interface Scene {
  width: number;
  height: number;
  colourAt: (x: number, y: number) => Colour;
}

export const COLUMNS = 4;
export const ROWS = 3;

const patches = [
  [200, 60, 50],
  [60, 160, 80],
  [50, 80, 180],
  [220, 200, 60],
  [128, 128, 128],
  [30, 30, 30],
  [240, 240, 240],
  [180, 100, 200],
  [70, 190, 190],
  [250, 150, 60],
  [100, 70, 40],
  [16, 96, 60],
].map(([red, green, blue]) => [red! / 255, green! / 255, blue! / 255, 1] as const);

function patchOf(x: number, y: number, width: number, height: number): number {
  return Math.floor((y * ROWS) / height) * COLUMNS + Math.floor((x * COLUMNS) / width);
}

export function colourful(width = 160, height = 120): Scene {
  return { width, height, colourAt: (x, y) => patches[patchOf(x, y, width, height)]! };
}

/** The same patches in grey. */
export function grey(width = 160, height = 120): Scene {
  const scene = colourful(width, height);
  return {
    ...scene,
    colourAt(x, y) {
      const [red, green, blue, alpha] = scene.colourAt(x, y);
      const luma = 0.299 * red + 0.587 * green + 0.114 * blue;
      return [luma, luma, luma, alpha];
    },
  };
}

/** The same patches with the given opacities, in turn. */
export function transparent({ width, height, colourAt }: Scene, opacities: readonly number[]): Scene {
  return {
    width,
    height,
    colourAt(x, y) {
      const [red, green, blue] = colourAt(x, y);
      return [red, green, blue, opacities[patchOf(x, y, width, height) % opacities.length]!];
    },
  };
}

/** The pixels of a scene as bytes. */
export function toRgb({ width, height, colourAt }: Scene): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colourAt(x, y);
      pixels.set(
        [red, green, blue].map((part) => Math.round(part * 255)),
        (y * width + x) * 3,
      );
    }
  }
  return pixels;
}

/** The scene as stored by a camera that writes `orientation`: a program that applies it shows the scene upright. */
export function storedFor(orientation: number, scene: Scene): Scene {
  const { width, height, colourAt } = scene;
  const isTurned = orientation >= 5;
  const [storedWidth, storedHeight] = isTurned ? [height, width] : [width, height];
  const [right, bottom] = [width - 1, height - 1];
  const upright = (x: number, y: number): [number, number] =>
    (
      ({
        1: [x, y],
        2: [right - x, y],
        3: [right - x, bottom - y],
        4: [x, bottom - y],
        5: [y, x],
        6: [right - y, x],
        7: [right - y, bottom - x],
        8: [y, bottom - x],
      }) as Record<number, [number, number]>
    )[orientation]!;
  return { width: storedWidth, height: storedHeight, colourAt: (x, y) => colourAt(...upright(x, y)) };
}
