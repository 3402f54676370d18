// The mutations `register` and `login`.
import { Arg, Ctx, Mutation, Resolver } from "type-graphql";

import { AuthPayload, LoginInput, RegisterInput } from "./account.type.ts";
import type { RequestContext } from "./context.ts";
import { toUserType } from "./to-type.ts";

@Resolver()
export class AccountResolver {
  @Mutation(() => AuthPayload, {
    description:
      "Creates an account and signs the user in. Fails with CONFLICT when the name or the e-mail address is taken, " +
      "and with RATE_LIMITED after too many attempts per minute from one network or for one e-mail address " +
      "(default: 10).",
  })
  async register(
    @Arg("input", () => RegisterInput, { description: "The name, e-mail address and password." })
    input: RegisterInput,
    @Ctx() { network, services }: RequestContext,
  ): Promise<AuthPayload> {
    const { token, user } = await services.accounts.register(input, network);
    return { token, user: { ...toUserType(user), isSignedInHere: true } };
  }

  @Mutation(() => AuthPayload, {
    description:
      "Signs a user in. Fails with UNAUTHENTICATED when the name or the password is wrong, or when there were too " +
      "many attempts with the account's other name. Fails with RATE_LIMITED after too many attempts per minute from " +
      "one network or with one name (default: 10).",
  })
  async login(
    @Arg("input", () => LoginInput, { description: "The name or e-mail address, and the password." })
    input: LoginInput,
    @Ctx() { network, services }: RequestContext,
  ): Promise<AuthPayload> {
    const { token, user } = await services.accounts.login(input, network);
    return { token, user: { ...toUserType(user), isSignedInHere: true } };
  }
}
