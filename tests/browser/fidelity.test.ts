// Draws each sample in Chromium as it was uploaded and in every form in which it is served, and compares them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { plainLook } from "../../src/domain/look.ts";
import { makePicture } from "../../src/images/make-picture.ts";
import { differencesOf } from "./differences.ts";
import { Oracle } from "./oracle.ts";
import { cutOffSamples, damagedSamples } from "./samples/damaged-samples.ts";
import { gifSamples } from "./samples/gif-samples.ts";
import { cmykSamples, jpegSamples } from "./samples/jpeg-samples.ts";
import { pngSamples } from "./samples/png-samples.ts";
import type { Sample } from "./samples/sample.ts";

let oracle: Oracle;
beforeAll(async () => {
  oracle = await Oracle.start();
});
afterAll(() => oracle?.stop());

const named = (samples: readonly Sample[]) => samples.map((sample) => [sample.name, sample] as const);

const ordinary = [...(await jpegSamples()), ...(await cmykSamples()), ...pngSamples(), ...gifSamples()];
const damaged = await damagedSamples();
const cutOff = await cutOffSamples();

describe("a picture looks like the upload in Chromium", () => {
  it.each(named(ordinary))("%s", async (_name, sample) => {
    expect(await differencesOf(oracle, sample)).toEqual([]);
  });
});

describe("a file that only looks damaged is accepted", () => {
  it.each(named(damaged))("%s", async (_name, sample) => {
    expect(await differencesOf(oracle, sample)).toEqual([]);
  });
});

describe("a file from which pixels are missing is refused", () => {
  it.each(named(cutOff))("%s", async (_name, { bytes }) => {
    await expect(makePicture(bytes, plainLook)).rejects.toMatchObject({ code: "UNREADABLE_IMAGE" });
  });
});
