// The type `User`, and the pages of the user list.
import { Field, ID, ObjectType } from "type-graphql";

import { DateTime } from "./date-time.ts";

@ObjectType("User", { simpleResolvers: true, description: "A person who uses LetsApp." })
export class UserType {
  @Field(() => ID, { description: "24 hexadecimal digits." })
  id!: string;

  @Field(() => String, { description: "The unique name that other users see." })
  username!: string;

  /** Resolved in `user.resolver.ts`, which shows the address only to its owner. */
  email!: string;

  /** True when this user has signed in within the operation itself, by `register` or `login`. */
  isSignedInHere?: boolean;

  @Field(() => DateTime, { description: "When the user joined." })
  createdAt!: Date;

  /** Resolved in `user.resolver.ts`. */
  profilePictureId!: string | null;
}

@ObjectType({ simpleResolvers: true, description: "An entry of a list of users." })
export class UserEdge {
  @Field(() => String, { description: "Send it as `after` to get the entries that follow." })
  cursor!: string;

  @Field(() => UserType, { description: "The user of this entry." })
  node!: UserType;
}

@ObjectType({
  simpleResolvers: true,
  description: "The position of a page in its list. Source: the Relay cursor connections specification.",
})
export class PageInfo {
  @Field(() => Boolean, { description: "True when more entries follow." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "True when the page begins after a cursor." })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: "Cursor of the first entry. Null on an empty page." })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: "Cursor of the last entry. Null on an empty page." })
  endCursor!: string | null;
}

@ObjectType({ simpleResolvers: true, description: "A page of users, in the order in which they joined." })
export class UserConnection {
  @Field(() => [UserEdge], { description: "The users with their cursors." })
  edges!: UserEdge[];

  @Field(() => PageInfo, { description: "The position of this page in the list." })
  pageInfo!: PageInfo;
}
