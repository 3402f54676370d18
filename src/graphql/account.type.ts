// The inputs and the payload of `register` and `login`.
import { Field, InputType, ObjectType } from "type-graphql";

import { UserType } from "./user.type.ts";

@InputType({ description: "A new account." })
export class RegisterInput {
  @Field(() => String, {
    description:
      "2 to 64 characters of any script, including a letter, digit or emoji. No `@` and no invisible characters.",
  })
  username!: string;

  @Field(() => String, { description: "An e-mail address, visible only to its owner." })
  email!: string;

  @Field(() => String, {
    description: "8 to 72 bytes in UTF-8. Longer passwords are rejected, not truncated.",
  })
  password!: string;
}

@InputType({ description: "The credentials of a user who signs in." })
export class LoginInput {
  @Field(() => String, { description: "The user name or the e-mail address." })
  login!: string;

  @Field(() => String, { description: "The password." })
  password!: string;
}

@ObjectType({ simpleResolvers: true, description: "The result of a successful `register` or `login`." })
export class AuthPayload {
  @Field(() => String, {
    description: "The access token. Send it with each request as `Authorization: Bearer <token>`.",
  })
  token!: string;

  @Field(() => UserType, { description: "The user that the token identifies." })
  user!: UserType;
}
