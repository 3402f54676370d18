// The types of people: `User` and the pages in which they are listed.
import { Field, ID, ObjectType } from "type-graphql";

import { DateTime } from "./date-time.ts";

@ObjectType("User", { simpleResolvers: true, description: "A person who uses LetsApp." })
export class UserType {
  @Field(() => ID, { description: "24 hexadecimal digits." })
  id!: string;

  @Field(() => String, { description: "The unique name that others see." })
  username!: string;

  /** Resolved in `user.resolver.ts`: it is nobody else's business. */
  email!: string;

  /** True for somebody who has proved to be this user within the operation itself, by `register` or `login`. */
  isSignedInHere?: boolean;

  @Field(() => DateTime, { description: "When the person joined." })
  createdAt!: Date;

  /** Resolved in `user.resolver.ts`. */
  profilePictureId!: string | null;
}

@ObjectType({ simpleResolvers: true, description: "A place in a list of users." })
export class UserEdge {
  @Field(() => String, { description: "Give it as `after` to get what follows." })
  cursor!: string;

  @Field(() => UserType, { description: "The user at this place." })
  node!: UserType;
}

@ObjectType({
  simpleResolvers: true,
  description: "Where a page stands in its list. Source: the Relay cursor connections specification.",
})
export class PageInfo {
  @Field(() => Boolean, { description: "True when more follow." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "True when the page began after a cursor." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "Cursor of the first place; null on an empty page." })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: "Cursor of the last place; null on an empty page." })
  endCursor!: string | null;
}

@ObjectType({ simpleResolvers: true, description: "A page of users, in the order in which they joined." })
export class UserConnection {
  @Field(() => [UserEdge], { description: "The users with their places." })
  edges!: UserEdge[];

  @Field(() => PageInfo, { description: "Whether there are more." })
  pageInfo!: PageInfo;
}
