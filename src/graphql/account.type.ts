// The inputs and the payload of `register` and `login`.
import { Field, InputType, ObjectType } from "type-graphql";

import { UserType } from "./user.type.ts";

@InputType({ description: "A new account." })
export class RegisterInput {
  @Field(() => String, {
    description: "2 to 64 characters of any script; no `@`, nothing invisible.",
  })
  username!: string;

  @Field(() => String, { description: "An e-mail address. Only its owner ever sees it." })
  email!: string;

  @Field(() => String, { description: "8 to 72 bytes; longer ones are refused, not cut off." })
  password!: string;
}

@InputType({ description: "Who wants to sign in." })
export class LoginInput {
  @Field(() => String, { description: "The user name or the e-mail address." })
  login!: string;

  @Field(() => String, { description: "The password." })
  password!: string;
}

@ObjectType({ simpleResolvers: true, description: "Somebody who has just signed in." })
export class AuthPayload {
  @Field(() => String, { description: "Send it with each request as `Authorization: Bearer <token>`." })
  token!: string;

  @Field(() => UserType, { description: "The user whom the token stands for." })
  user!: UserType;
}
