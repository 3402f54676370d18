// Compares every form in which a sample is served with how Chromium shows the upload.
import { plainLook } from "../../src/domain/look.ts";
import { PictureMaker } from "../../src/images/picture-maker.ts";
import { inThisProcess } from "../../src/images/tasks.ts";
import { drawAnimation, drawMaster, drawSquare } from "../../src/images/rendition.ts";
import type { Oracle, Point, Shown } from "./oracle.ts";
import type { Sample } from "./samples/sample.ts";
import { COLUMNS, ROWS } from "./samples/scene.ts";

const maker = new PictureMaker({ maxConcurrent: 4, maxWaiting: 1000 }, inThisProcess);

/** Largest allowed difference of red, green or blue, of 255. */
const TOLERANCE = 3;
const COLOUR_MANAGED_TOLERANCE = 6;

/** Animated WebP has a lower quality, because it has many frames. */
const ANIMATION_TOLERANCE = 6;

/** Points in the middle square of a picture of 4 × 3, as fractions of that square. */
const inMiddleOfSquare: readonly Point[] = [
  [0.5, 0.5],
  [0.25, 0.25],
  [0.75, 0.25],
  [0.5, 0.85],
];
/** The same points as fractions of the picture. */
const inMiddleOfLandscape = inMiddleOfSquare.map(([x, y]) => [0.125 + 0.75 * x, y] as const);

/** Compares all forms in which the sample is served with the upload. */
export async function differencesOf(
  oracle: Oracle,
  { bytes, isColourManaged, looksLike = bytes }: Sample,
): Promise<string[]> {
  const size = await oracle.show(looksLike, []);
  if (!size) return ["Chromium does not show the upload"];
  const { width, height } = size;
  const picture = await maker.make(bytes, "somebody");
  const master = await drawMaster(picture.original, plainLook);
  const squares: [string, Buffer, "over white" | "over both"][] = [
    ["thumbnail", picture.thumbnail, picture.format === "jpeg" ? "over white" : "over both"],
    ["96 px, WebP", await drawSquare(master, 96, "webp"), "over both"],
    ["64 px, AVIF", await drawSquare(master, 64, "avif"), "over both"],
    ["150 px, PNG", await drawSquare(master, 150, "png"), "over both"],
    ["300 px, JPEG", await drawSquare(master, 300, "jpeg"), "over white"],
  ];
  const whole = centresOf(width, height);
  const uploaded = (await oracle.show(looksLike, whole))!;
  const tolerance = isColourManaged ? COLOUR_MANAGED_TOLERANCE : TOLERANCE;
  const differences: string[] = [];
  const original = await oracle.show(picture.original, whole);
  if (original?.width !== width || original.height !== height) differences.push("original: another size");
  if (picture.width !== width || picture.height !== height) differences.push("record: another size");
  differences.push(...compare("original", uploaded, original, tolerance));
  const side = Math.min(width, height);
  const inSquare = whole
    .map(
      ([x, y]) =>
        [(x * width - (width - side) / 2) / side, (y * height - (height - side) / 2) / side] as const,
    )
    .map((point, i) => ({ point, i }))
    .filter(({ point }) => point.every((part) => part > 0.04 && part < 0.96));
  for (const [what, square, where] of squares) {
    const shown = await oracle.show(
      square,
      inSquare.map(({ point }) => point),
    );
    const indices = inSquare.map(({ i }) => i);
    const both = [...indices, ...indices.map((i) => i + whole.length)];
    const expected = { ...uploaded, colours: both.map((i) => uploaded.colours[i]!) };
    differences.push(...compare(what, expected, shown, tolerance, where === "over white"));
  }
  differences.push(...(await differencesOfFrames(oracle, uploaded, picture.original)));
  const [overWhite, overBlack] = [
    uploaded.colours.slice(0, whole.length),
    uploaded.colours.slice(whole.length),
  ];
  const isOpaque = overWhite.every((colour, i) => isNear(colour, overBlack[i]!, 1));
  const dominant = picture.placeholder.dominantColor.match(/\w\w/g)!.map((digits) => parseInt(digits, 16));
  if (isOpaque && !uploaded.colours.some((colour) => isNear(colour, dominant, tolerance + 2)))
    differences.push(`dominant colour: ${dominant.join(" ")} is none of the picture`);
  return differences;
}

/** Compares the frames of an animation with those of its animated square. */
async function differencesOfFrames(
  oracle: Oracle,
  { frameCount }: Shown,
  original: Buffer,
): Promise<string[]> {
  if (frameCount === 1) return [];
  const animation = await drawAnimation(original, 300, plainLook);
  const differences: string[] = [];
  for (let frame = 0; frame < frameCount; frame++) {
    const whole = (await oracle.show(original, inMiddleOfLandscape, frame))!;
    const square = await oracle.show(animation, inMiddleOfSquare, frame);
    differences.push(...compare(`frame ${frame}`, whole, square, ANIMATION_TOLERANCE));
  }
  return differences;
}

function isNear(a: readonly number[], b: readonly number[], tolerance: number): boolean {
  return a.every((part, i) => Math.abs(part - b[i]!) <= tolerance);
}

/** The middle of each patch of the upright picture. */
function centresOf(width: number, height: number): Point[] {
  const [columns, rows] = width > height ? [COLUMNS, ROWS] : [ROWS, COLUMNS];
  return Array.from({ length: columns * rows }, (_, i) => [
    ((i % columns) + 0.5) / columns,
    (Math.floor(i / columns) + 0.5) / rows,
  ]);
}

function compare(
  what: string,
  expected: Shown,
  actual: Shown | null,
  tolerance: number,
  isOnWhite = false,
): string[] {
  if (!actual) return [`${what}: Chromium does not show it`];
  const count = isOnWhite ? expected.colours.length / 2 : expected.colours.length;
  let worst = { difference: 0, at: 0 };
  for (let i = 0; i < count; i++) {
    const difference = Math.max(
      ...expected.colours[i]!.map((part, channel) => Math.abs(part - actual.colours[i]![channel]!)),
    );
    if (difference > worst.difference) worst = { difference, at: i };
  }
  if (worst.difference <= tolerance) return [];
  const [wanted, got] = [expected, actual].map(({ colours }) => colours[worst.at]!.map(Math.round).join(" "));
  return [`${what}: ${wanted} became ${got}`];
}
