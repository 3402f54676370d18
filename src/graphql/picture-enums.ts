// The GraphQL enums for sizes, formats and filters of pictures.
import { registerEnumType } from "type-graphql";

import { pictureFilters, type PictureFilter as FilterName } from "../domain/look.ts";
import { pictureSizes, type PictureSize as SizePx, type RenditionFormat } from "../domain/rendition.ts";

/** The values have a prefix, because a name in GraphQL cannot begin with a digit. */
export const PictureSize = Object.fromEntries(pictureSizes.map((size) => [`PX${size}`, size])) as Record<
  string,
  SizePx
>;
registerEnumType(PictureSize, {
  name: "PictureSize",
  description:
    "Side of a square in pixels. A picture is never enlarged, so a square of a small picture may be smaller.",
});

export const PictureFormat: Record<string, RenditionFormat> = {
  WEBP: "webp",
  AVIF: "avif",
  JPEG: "jpeg",
  PNG: "png",
};
registerEnumType(PictureFormat, {
  name: "PictureFormat",
  description:
    "Format of a square. By default, the `Accept` header of the request for the square decides: AVIF or WebP if the " +
    "header prefers one of them, otherwise JPEG or PNG.",
});

export const PictureFilter = Object.fromEntries(pictureFilters.map((name) => [name, name])) as Record<
  FilterName,
  FilterName
>;
registerEnumType(PictureFilter, {
  name: "PictureFilter",
  description: "A filter for the thumbnail and the squares of a picture. The original stays unchanged.",
  valuesConfig: {
    GRAYSCALE: { description: "Removes the colours." },
    SEPIA: { description: "Colours the picture brown, like an old photograph." },
    SHARPEN: { description: "Sharpens the edges." },
  },
});
