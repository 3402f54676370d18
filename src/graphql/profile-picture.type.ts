// The payload of the two mutations that change a profile picture.
import { Field, ObjectType } from "type-graphql";

import { MediaType } from "./media.type.ts";
import { UserType } from "./user.type.ts";

@ObjectType({ simpleResolvers: true, description: "What has become of a profile picture." })
export class ProfilePicturePayload {
  @Field(() => Boolean, { description: "Always true: a failure is an error with a code." })
  success!: boolean;

  @Field(() => String, { description: "A sentence to show." })
  message!: string;

  @Field(() => UserType, { description: "The user after the change." })
  user!: UserType;

  @Field(() => MediaType, { nullable: true, description: "The new picture; null after a deletion." })
  media!: MediaType | null;
}
