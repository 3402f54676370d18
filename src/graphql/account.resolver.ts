// Signing up and signing in.
import { Arg, Ctx, Mutation, Resolver } from "type-graphql";

import { AuthPayload, LoginInput, RegisterInput } from "./account.type.ts";
import type { RequestContext } from "./context.ts";
import { toUserType } from "./to-type.ts";

@Resolver()
export class AccountResolver {
  @Mutation(() => AuthPayload, {
    description:
      "Creates an account and signs it in. CONFLICT when the name or the e-mail address is taken. " +
      "RATE_LIMITED after too many attempts a minute from one address or for one account: ten, unless configured.",
  })
  async register(
    @Arg("input", () => RegisterInput, { description: "The new account." }) input: RegisterInput,
    @Ctx() { network, services }: RequestContext,
  ): Promise<AuthPayload> {
    const { token, user } = await services.accounts.register(input, network);
    return { token, user: { ...toUserType(user), isSignedInHere: true } };
  }

  @Mutation(() => AuthPayload, {
    description:
      "Signs somebody in. UNAUTHENTICATED whatever is wrong. " +
      "RATE_LIMITED after too many attempts a minute from one address or for one account: ten, unless configured.",
  })
  async login(
    @Arg("input", () => LoginInput, { description: "Who, and the password." }) input: LoginInput,
    @Ctx() { network, services }: RequestContext,
  ): Promise<AuthPayload> {
    const { token, user } = await services.accounts.login(input, network);
    return { token, user: { ...toUserType(user), isSignedInHere: true } };
  }
}
