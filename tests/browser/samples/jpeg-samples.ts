// JPEGs by coding, colour profile and orientation.
import { exifSegment, makeJpeg, profileSegment } from "./jpeg.ts";
import { greyProfiles, rgbProfiles, type Sample } from "./sample.ts";
import { colourful, grey, storedFor } from "./scene.ts";

const orientations = [1, 2, 3, 4, 5, 6, 7, 8] as const;

export async function jpegSamples(): Promise<Sample[]> {
  const samples: Sample[] = [];
  const codings = {
    baseline: {},
    progressive: { progressive: true },
    "4:2:0": { chromaSubsampling: "4:2:0" },
  };
  for (const isGrey of [false, true]) {
    const scene = isGrey ? grey() : colourful();
    const profiles = { none: null, ...(isGrey ? greyProfiles : rgbProfiles) };
    for (const [coding, options] of Object.entries(codings)) {
      for (const [profileName, profile] of Object.entries(profiles)) {
        for (const orientation of orientations) {
          const segments = [
            ...(orientation > 1 ? [exifSegment(orientation)] : []),
            ...(profile ? [profileSegment(profile)] : []),
          ];
          const bytes = await makeJpeg(storedFor(orientation, scene), { isGrey, segments, ...options });
          const name = `${isGrey ? "grey" : "colour"} JPG, ${coding}, profile ${profileName}, orientation ${orientation}`;
          samples.push({ name, bytes, isColourManaged: profile !== null });
        }
      }
    }
  }
  return samples;
}

export async function cmykSamples(): Promise<Sample[]> {
  const plain = await makeJpeg(colourful(), { isCmyk: true, quality: 100 });
  return [
    { name: "CMYK JPG without a profile", bytes: plain, isColourManaged: true },
    {
      name: "CMYK JPG without a profile, progressive",
      bytes: await makeJpeg(colourful(), { isCmyk: true, progressive: true }),
      isColourManaged: true,
    },
    {
      name: "CMYK JPG without a profile, turned",
      bytes: await makeJpeg(storedFor(6, colourful()), { isCmyk: true, segments: [exifSegment(6)] }),
      isColourManaged: true,
    },
  ];
}
