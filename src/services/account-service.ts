// Registers users, signs them in, and reads them by id or by page.
import type { AccessTokens } from "../auth/access-token.ts";
import {
  hashPassword,
  MAX_PASSWORD_BYTES,
  MIN_PASSWORD_BYTES,
  verifyAgainstDummy,
  verifyPassword,
} from "../auth/password.ts";
import type { UserRepository } from "../database/user-repository.ts";
import { cleanEmail, cleanUsername } from "../domain/account-names.ts";
import { composeText } from "../domain/composed-text.ts";
import type { UserId } from "../domain/ids.ts";
import type { User } from "../domain/user.ts";
import { WorkQueue } from "../runtime/work-queue.ts";
import { AppError } from "../errors.ts";
import type { Changes } from "./changes.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { UserPage, UserPages } from "./user-pages.ts";

/** A user who has just registered or signed in, with an access token. */
export interface SignedIn {
  token: string;
  user: User;
}

/**
 * A hash occupies one of libuv's four threads for a quarter of a second. Two hashes at a time leave two threads to
 * other work, such as file access.
 */
const passwordLimits = { maxConcurrent: 2, maxWaiting: 32, maxWaitMs: 8_000, maxMemoryBytes: Infinity };

export class AccountService {
  readonly #passwordWork = new WorkQueue("sign-ins and registrations", passwordLimits);

  constructor(
    readonly users: UserRepository,
    readonly pages: UserPages,
    readonly tokens: AccessTokens,
    readonly rateLimits: RateLimits,
    readonly changes: Changes,
  ) {}

  /**
   * Creates an account and signs it in.
   *
   * @param network the client's network: attempts are limited by network, and networks take turns at hashing
   * @throws BAD_USER_INPUT for an invalid name, address or password
   * @throws CONFLICT when the name or the e-mail address is taken
   * @throws FORBIDDEN when an identity provider keeps the accounts, RATE_LIMITED, OVERLOADED
   */
  async register(
    input: { username: string; email: string; password: string },
    network: string,
  ): Promise<SignedIn> {
    await this.rateLimits.consumeNetwork(network);
    await this.rateLimits.consumeAccount(composeText(input.email, "The e-mail address"));
    this.tokens.assertCanIssue();
    const [username, email] = [cleanUsername(input.username), cleanEmail(input.email)];
    assertPassword(input.password);
    const user = await this.users.create({
      username,
      email,
      passwordHash: await this.#passwordWork.run(network, 0, () => hashPassword(input.password)),
    });
    this.changes.emit("userAdded", user.id);
    return { token: await this.tokens.issue(user.id), user };
  }

  /**
   * Signs a user in by user name or e-mail address. An unknown name, a wrong password and an account that is limited
   * under its other name lead to the same error after the same time.
   *
   * @throws UNAUTHENTICATED for wrong credentials, BAD_USER_INPUT when the name is too long
   * @throws FORBIDDEN when an identity provider keeps the accounts, RATE_LIMITED, OVERLOADED
   */
  async login(input: { login: string; password: string }, network: string): Promise<SignedIn> {
    await this.rateLimits.consumeNetwork(network);
    this.tokens.assertCanIssue();
    const name = composeText(input.login, "The user name or e-mail address");
    const credentials = await this.users.findCredentials(
      name.includes("@") ? { email: name.toLowerCase() } : { username: name },
    );
    await this.rateLimits.consumeAccount(name);
    const mayTry = credentials !== null && (await this.#countAttempt(credentials.user.id));
    const isRight = await this.#passwordWork.run<boolean>(network, 0, () =>
      mayTry ? verifyPassword(input.password, credentials.passwordHash) : verifyAgainstDummy(input.password),
    );
    if (!credentials || !isRight) throw wrongCredentials();
    return { token: await this.tokens.issue(credentials.user.id), user: credentials.user };
  }

  /**
   * Counts an attempt on the account, whether the client sent the user name or the e-mail address. Returns false when
   * the account is limited: RATE_LIMITED would reveal which e-mail address belongs to which user name.
   */
  async #countAttempt(userId: UserId): Promise<boolean> {
    try {
      await this.rateLimits.consumeAccount(userId);
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === "RATE_LIMITED") return false;
      throw error;
    }
  }

  async findManyByIds(ids: readonly UserId[]): Promise<User[]> {
    return this.users.findManyByIds(ids);
  }

  /** Reads up to `count` users in the order in which they joined, and whether there are more. */
  findPage(count: number, afterId: UserId | null): Promise<UserPage> {
    return this.pages.find(count, afterId);
  }
}

function wrongCredentials(): AppError {
  return new AppError(
    "UNAUTHENTICATED",
    "The name or the password is wrong, or there were too many attempts within a minute.",
  );
}

function assertPassword(password: string): void {
  const bytes = Buffer.byteLength(password);
  if (bytes < MIN_PASSWORD_BYTES || bytes > MAX_PASSWORD_BYTES) {
    throw new AppError(
      "BAD_USER_INPUT",
      `The password must have ${MIN_PASSWORD_BYTES} to ${MAX_PASSWORD_BYTES} bytes; it has ${bytes}.`,
      { limit: MAX_PASSWORD_BYTES, actual: bytes },
    );
  }
  if (password.includes("\0"))
    throw new AppError("BAD_USER_INPUT", "A password cannot contain a NUL character.");
}
