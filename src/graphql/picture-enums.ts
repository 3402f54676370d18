// The sizes, formats and filters of pictures, as GraphQL names them. Used by the resolvers of media and users.
import { registerEnumType } from "type-graphql";

import { pictureFilters, type PictureFilter as FilterName } from "../domain/look.ts";
import { pictureSizes, type PictureSize as SizePx, type RenditionFormat } from "../domain/rendition.ts";

/** GraphQL's names may not begin with a digit. */
export const PictureSize = Object.fromEntries(pictureSizes.map((size) => [`PX${size}`, size])) as Record<
  string,
  SizePx
>;
registerEnumType(PictureSize, {
  name: "PictureSize",
  description:
    "Pixels on each side of a square. One that is larger than the picture's short side is as large as that.",
});

export const PictureFormat: Record<string, RenditionFormat> = {
  WEBP: "webp",
  AVIF: "avif",
  JPEG: "jpeg",
  PNG: "png",
};
registerEnumType(PictureFormat, {
  name: "PictureFormat",
  description: "The format of a square. Without one, the smallest that the client's `Accept` header names.",
});

export const PictureFilter = Object.fromEntries(pictureFilters.map((name) => [name, name])) as Record<
  FilterName,
  FilterName
>;
registerEnumType(PictureFilter, {
  name: "PictureFilter",
  description: "What is done to everything that is derived from a picture, and never to the original.",
  valuesConfig: {
    GRAYSCALE: { description: "Without colours." },
    SEPIA: { description: "In brown, like an old photograph." },
    SHARPEN: { description: "With clearer edges." },
  },
});
