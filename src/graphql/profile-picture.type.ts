// The payload of the mutations that change a profile picture.
import { Field, ObjectType } from "type-graphql";

import { MediaType } from "./media.type.ts";
import { UserType } from "./user.type.ts";

@ObjectType({ simpleResolvers: true, description: "The result of a change to a profile picture." })
export class ProfilePicturePayload {
  @Field(() => Boolean, { description: "Always true. A failure is returned as an error with a code." })
  success!: boolean;

  @Field(() => String, { description: "A message to show to the user." })
  message!: string;

  @Field(() => UserType, { description: "The user after the change." })
  user!: UserType;

  @Field(() => MediaType, {
    nullable: true,
    description: "The new or restored picture. Null after a deletion.",
  })
  media!: MediaType | null;
}
