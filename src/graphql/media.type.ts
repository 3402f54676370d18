// The type `Media`: what the graph shows of a picture.
import { Field, GraphQLISODateTime, ID, Int, ObjectType } from "type-graphql";

@ObjectType("Media", {
  simpleResolvers: true,
  description: "A stored picture. Its bytes are fetched over plain HTTP from `url` or `thumbnailUrl`.",
})
export class MediaType {
  @Field(() => ID, {
    description: "24 hexadecimal digits. A new picture has a new id, so an id's bytes never change.",
  })
  id!: string;

  @Field(() => String, {
    description:
      "The picture as it was uploaded, without metadata. For `<img src>`; needs no token. Each GET that sends it counts as a view.",
  })
  url!: string;

  @Field(() => String, {
    description:
      "The middle of the picture, 150 × 150 pixels, in the same format; of an animation the first frame. " +
      "For `<img src>`; needs no token. Each GET that sends it counts as a view.",
  })
  thumbnailUrl!: string;

  @Field(() => String, {
    description: "What the file was called on the uploader's device. Text, not a path.",
  })
  originalFilename!: string;

  @Field(() => Int, { description: "Size of the stored picture in bytes." })
  fileSize!: number;

  @Field(() => String, { description: "The kind of media: always `image`." })
  mediaType!: string;

  @Field(() => String, { description: "`image/jpeg`, `image/png` or `image/gif`, decided by the bytes." })
  mimeType!: string;

  @Field(() => Int, {
    nullable: true,
    description: "Width in pixels, upright. Null for an old record that lacks it.",
  })
  width!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: "Height in pixels, upright. Null for an old record that lacks it.",
  })
  height!: number | null;

  @Field(() => GraphQLISODateTime, { description: "When the picture was uploaded." })
  createdAt!: Date;

  /** Resolved in `media.resolver.ts`. */
  uploaderId!: string;
}
