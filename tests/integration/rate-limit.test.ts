// Rate limits on uploads, other changes and sign-ins, in one process and in several.
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";

import { MongoLimiters } from "../../src/database/rate-limit-store.ts";
import { RateLimits } from "../../src/services/rate-limits.ts";
import { secondDatabaseUri } from "../support/database.ts";
import * as sampleImages from "../support/sample-images.ts";
import { DELETE, TestApp, toBlob, type Person } from "../support/test-app.ts";

const REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { token } }";

let app: TestApp;
let person: Person;
let bytes: Buffer;
beforeAll(async () => {
  app = await TestApp.start();
  bytes = await sampleImages.onePixelPng();
});
afterAll(() => app.stop());
beforeEach(async () => {
  person = await app.givenPerson();
});

const byGraphQL = async () =>
  (await app.upload({ bytes }, person.token)).errors[0]?.extensions.code ?? "done";
const byRest = async () => {
  const response = await app.uploadByRest({ bytes }, person);
  return ((await response.json()) as { code?: string }).code ?? "done";
};

describe("the sixth upload within a minute", () => {
  it.each([
    ["GraphQL", [byGraphQL, byGraphQL, byGraphQL, byGraphQL, byGraphQL, byGraphQL]],
    ["REST", [byRest, byRest, byRest, byRest, byRest, byRest]],
    ["GraphQL and REST in turn", [byRest, byGraphQL, byRest, byGraphQL, byRest, byGraphQL]],
  ])("is refused through %s", async (_doors, attempts) => {
    const outcomes: string[] = [];
    for (const attempt of attempts) outcomes.push(await attempt());

    expect(outcomes).toEqual(["done", "done", "done", "done", "done", "RATE_LIMITED"]);
  });

  it("is refused among twelve concurrent ones, and exactly five are stored", async () => {
    const before = await app.traces();

    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 ? byRest() : byGraphQL())),
    );

    expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(5);
    expect(outcomes.filter((outcome) => outcome === "RATE_LIMITED")).toHaveLength(7);
    expect((await app.traces()).records - before.records).toBe(5);
  });

  it.each([
    ["several aliases", ["file", "file", "file", "file", "file", "file"]],
    ["several variables for one file", ["f0", "f1", "f2", "f3", "f4", "f5"]],
  ])("is refused with all others of its operation when it is sent by %s", async (_what, names) => {
    const fields = names.map((name, i) => `u${i}: uploadProfilePicture(file: $${name}) { success }`);
    const variables = [...new Set(names)];
    const query = `mutation (${variables.map((name) => `$${name}: Upload!`).join(", ")}) { ${fields.join(" ")} }`;
    const form = new FormData();
    form.set(
      "operations",
      JSON.stringify({ query, variables: Object.fromEntries(variables.map((name) => [name, null])) }),
    );
    form.set("map", JSON.stringify({ 0: variables.map((name) => `variables.${name}`) }));
    form.set("0", toBlob({ bytes }), "a.png");
    const before = await app.traces();

    const { status, errors } = await app.postForm(form, person.token);

    expect([status, errors[0]!.extensions.code]).toEqual([400, "GRAPHQL_VALIDATION_FAILED"]);
    expect(await app.traces()).toEqual(before);
  });

  it("is refused with the time to wait, by GraphQL and REST", async () => {
    await Promise.all(Array.from({ length: 5 }, byGraphQL));

    const { errors } = await app.upload({ bytes }, person.token);
    const response = await app.uploadByRest({ bytes }, person);

    const seconds = errors[0]!.extensions.retryAfterSeconds as number;
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(errors[0]).toMatchObject({
      message: `Too many uploads. Try again in ${seconds} seconds.`,
      extensions: { code: "RATE_LIMITED", limit: 5 },
    });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(await response.json()).toMatchObject({ success: false, code: "RATE_LIMITED", limit: 5 });
  });

  it("is stored when it is another user's first", async () => {
    await Promise.all(Array.from({ length: 5 }, byGraphQL));
    person = await app.givenPerson();

    expect(await byGraphQL()).toBe("done");
  });
});

describe("the upload limit", () => {
  it("does not count deletions", async () => {
    for (let i = 0; i < 8; i++) await app.graphql(DELETE, {}, person.token);

    expect(await byGraphQL()).toBe("done");
  });

  const codesOf = async (picture: Buffer, count: number) => {
    const codes: string[] = [];
    for (let i = 0; i < count; i++) {
      const { errors } = await app.upload({ bytes: picture }, person.token);
      codes.push(errors[0]?.extensions.code ?? "done");
    }
    return codes;
  };

  it("does not count files of a wrong type or size", async () => {
    const refused = [
      ...(await codesOf(Buffer.from("no picture"), 6)),
      ...(await codesOf(await sampleImages.jpegOfSize(819_201), 6)),
      ...(await codesOf(Buffer.alloc(0), 6)),
    ];
    const stored = await codesOf(bytes, 6);

    expect(new Set(refused)).toEqual(new Set(["UNSUPPORTED_IMAGE_TYPE", "FILE_TOO_LARGE", "BAD_USER_INPUT"]));
    expect(stored).toEqual(["done", "done", "done", "done", "done", "RATE_LIMITED"]);
  });

  it.each([
    ["parsed", async () => (await sampleImages.palettePng()).subarray(0, -300), "UNREADABLE_IMAGE"],
    ["found too large to decode", async () => sampleImages.pngHeaderOf(60_000, 60_000), "IMAGE_TOO_COMPLEX"],
    ["decoded", async () => corruptPixels(await sampleImages.plainJpeg()), "UNREADABLE_IMAGE"],
  ])("counts files that are refused when they are %s", async (_when, make, code) => {
    const codes = await codesOf(await make(), 5);

    expect(codes).toEqual([code, code, code, code, code]);
    expect(await byGraphQL()).toBe("RATE_LIMITED");
  });

  it("decodes at most five pictures of one user", async () => {
    const decode = vi.spyOn(app.app.pictureMaker, "make");
    onTestFinished(() => decode.mockRestore());

    await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 ? byRest() : byGraphQL())));

    expect(decode).toHaveBeenCalledTimes(5);
  });

  it("refuses the sixth upload without reading its file", async () => {
    for (let i = 0; i < 5; i++) await byGraphQL();
    const hold = vi.spyOn(app.app.profilePictures.intake, "receive");
    onTestFinished(() => hold.mockRestore());

    expect([await byGraphQL(), await byRest()]).toEqual(["RATE_LIMITED", "RATE_LIMITED"]);
    expect(hold).not.toHaveBeenCalled();
  });
});

describe("the thirty-first attempt to upload within a minute", () => {
  it("is refused with the time to wait by GraphQL and REST, also if all files were refused", async () => {
    const wrongType = { bytes: Buffer.from("no picture") };
    for (let i = 0; i < 15; i++) {
      await app.upload(wrongType, person.token);
      await app.uploadByRest(wrongType, person);
    }

    const { errors } = await app.upload({ bytes }, person.token);
    const response = await app.uploadByRest({ bytes }, person);

    const seconds = errors[0]!.extensions.retryAfterSeconds as number;
    expect(seconds).toBeGreaterThan(50);
    expect(errors[0]).toMatchObject({
      message: `Too many upload attempts. Try again in ${seconds} seconds.`,
      extensions: { code: "RATE_LIMITED", limit: 30 },
    });
    expect(response.status).toBe(429);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(50);
  });

  it("is refused among forty concurrent ones", async () => {
    const wrongType = { bytes: Buffer.from("no picture") };

    const answers = await Promise.all(Array.from({ length: 40 }, () => app.upload(wrongType, person.token)));

    const codes = answers.map(({ errors }) => errors[0]!.extensions.code);
    expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(10);
  });
});

/** Overwrites the compressed pixels, so that only a decoder finds the fault. */
function corruptPixels(jpeg: Buffer): Buffer {
  const corrupt = Buffer.from(jpeg);
  const middle = Math.floor(corrupt.length / 2);
  corrupt.fill(0x00, middle, corrupt.length - 2);
  return corrupt;
}

describe("sign-in and registration", () => {
  const LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { token } }";
  let strict: TestApp;
  beforeEach(async () => {
    strict = await TestApp.start({ SIGN_INS_PER_MINUTE: "3" });
  });

  const attempt = async (login: string, headers: Record<string, string> = {}) => {
    const response = await strict.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ query: LOGIN, variables: { input: { login, password: "wrong password" } } }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    return errors[0]!.extensions.code;
  };

  it("is limited by network address, and X-Forwarded-For does not change that address", async () => {
    const outcomes: string[] = [];
    for (let i = 0; i < 4; i++)
      outcomes.push(await attempt(`user${i}`, { "x-forwarded-for": `203.0.113.${i}` }));
    await strict.stop();

    expect(outcomes).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED", "RATE_LIMITED"]);
  });

  it("is limited by account across all network addresses", async () => {
    const open = await TestApp.start({ SIGN_INS_PER_MINUTE: "3", TRUST_PROXY: "loopback" });
    [strict] = [open, await strict.stop()];
    const outcomes: string[] = [];
    for (let i = 0; i < 4; i++)
      outcomes.push(await attempt(" ".repeat(i) + "Ada", { "x-forwarded-for": `203.0.113.${i}` }));
    const other = await attempt("Grace", { "x-forwarded-for": "203.0.113.9" });
    await strict.stop();

    expect(outcomes).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED", "UNAUTHENTICATED", "RATE_LIMITED"]);
    expect(other).toBe("UNAUTHENTICATED");
  });

  it("is limited by account across its user name and its e-mail address", async () => {
    [strict] = [
      await TestApp.start({ SIGN_INS_PER_MINUTE: "3", TRUST_PROXY: "loopback" }),
      await strict.stop(),
    ];
    const password = "correct horse";
    const input = { username: "hedy", email: "hedy@example.com", password };
    await strict.graphql(REGISTER, { input });
    const user = input;
    const names = [user.username, user.email, user.email.toUpperCase(), `  ${user.username}`];
    const outcomes: string[] = [];
    for (const [i, name] of names.entries())
      outcomes.push(await attempt(name, { "x-forwarded-for": `203.0.113.${i}` }));

    // Even the right password is refused now. The error does not reveal that both names belong to one account.
    const { errors } = await strict.graphql(LOGIN, { input: { login: user.username, password } });
    expect(outcomes).toEqual(Array.from({ length: 4 }, () => "UNAUTHENTICATED"));
    expect(errors[0]!.extensions.code).toBe("UNAUTHENTICATED");
    await strict.stop();
  });

  it("is refused twice in one operation, because each password hash takes a quarter of a second", async () => {
    const account = (i: number) =>
      `{ username: "user${i}", email: "user${i}@example.com", password: "correct horse" }`;
    const fields = Array.from({ length: 2 }, (_, i) => `a${i}: register(input: ${account(i)}) { token }`);

    const { errors } = await strict.graphql(`mutation { ${fields.join(" ")} }`);
    const userCount = await strict.usersCollection.countDocuments();
    await strict.stop();

    expect(errors.map(({ extensions }) => extensions.code)).toEqual(["GRAPHQL_VALIDATION_FAILED"]);
    expect(userCount).toBe(0);
  });
});

describe("deletions and restorations", () => {
  it("of one user share one limit over GraphQL and REST", async () => {
    const strict = await TestApp.start({ UPLOADS_PER_MINUTE: "1" }); // Allows twelve changes.
    const { user, token } = await strict.givenPersonWithPicture(bytes);
    const restoring = `mutation { restoreProfilePicture(mediaId: "${"0".repeat(24)}") { success } }`;
    const codes = [];
    for (let i = 0; i < 6; i++)
      codes.push((await strict.graphql(restoring, {}, token)).errors[0]!.extensions.code);
    for (let i = 0; i < 6; i++) codes.push((await strict.deleteByRest({ user, token })).status);
    const [byGraphQL, byRest] = [
      await strict.graphql(DELETE, {}, token),
      await strict.deleteByRest({ user, token }),
    ];
    await strict.stop();

    expect(codes).toEqual([
      ...Array.from({ length: 6 }, () => "MEDIA_NOT_FOUND"),
      200,
      404,
      404,
      404,
      404,
      404,
    ]);
    expect([byGraphQL.errors[0]!.extensions.code, byRest.status]).toEqual(["RATE_LIMITED", 429]);
  });
});

describe("more concurrent sign-ins than the service can check", () => {
  let busy: TestApp;
  beforeAll(async () => {
    busy = await TestApp.start({ SIGN_INS_PER_MINUTE: "1000" });
  });
  afterAll(() => busy.stop());

  it("get OVERLOADED beyond that number, and other requests are answered", async () => {
    const login = "mutation ($input: LoginInput!) { login(input: $input) { token } }";

    const signingIn = Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        busy.graphql(login, { input: { login: `nobody${i}`, password: "correct horse" } }),
      ),
    );
    const health = await busy.fetch("/readyz");
    const codes = (await signingIn).map(({ errors }) => errors[0]!.extensions.code);

    expect(health.status).toBe(200);
    expect(new Set(codes)).toEqual(new Set(["OVERLOADED", "UNAUTHENTICATED"]));
  });
});

describe.skipIf(!secondDatabaseUri())("concurrent attempts in several processes", () => {
  const limits = { uploadsPerMinute: 5, signInsPerMinute: 5 };
  const passedOf = async (userId: string) => {
    const processes = [1, 2, 3, 4].map(
      () =>
        new RateLimits(limits, new MongoLimiters(app.app.database.connection, app.app.database.clock).create),
    );
    const attempts = Array.from({ length: 40 }, (_, i) => processes[i % 4]!.consumeUpload(userId));
    const outcomes = await Promise.allSettled(attempts);
    const codes = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : "done"));
    expect(codes.filter((code) => code === "RATE_LIMITED")).toHaveLength(35);
    return codes.filter((code) => code === "done").length;
  };

  it("of uploads that are admitted are counted together", async () => {
    const processes = [1, 2, 3, 4].map(
      () =>
        new RateLimits(limits, new MongoLimiters(app.app.database.connection, app.app.database.clock).create),
    );

    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => processes[i % 4]!.admitUpload("stubborn")),
    );

    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(30);
  });

  it("of uploads are refused by every process once they are used up", async () => {
    const { connection, clock } = app.app.database;
    const [one, other] = [1, 2].map(
      () => new RateLimits(limits, new MongoLimiters(connection, clock).create),
    );
    for (let i = 0; i < 5; i++) await one!.consumeUpload("eager");

    await expect(other!.admitUpload("eager")).rejects.toMatchObject({
      code: "RATE_LIMITED",
      details: { limit: 5 },
    });
  });

  it("are counted together, regardless of their order", async () => {
    for (let round = 0; round < 100; round++) expect(await passedOf(`nobody-${round}`)).toBe(5);
  });

  it("are counted together by processes whose clocks differ by two minutes", async () => {
    const { database } = app.app;
    const ahead = { offsetMs: database.clock.offsetMs - 120_000 };
    const processes = [database.clock, ahead].map(
      (clock) => new RateLimits(limits, new MongoLimiters(database.connection, clock).create),
    );
    onTestFinished(() => void vi.useRealTimers());
    const outcomes = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      const isAhead = attempt % 2 === 1;
      vi.useFakeTimers({
        toFake: ["Date"],
        now: Date.now() + (isAhead ? 120_000 : -120_000 * Math.sign(attempt)),
      });
      outcomes.push(
        await processes[isAhead ? 1 : 0]!.consumeUpload("wanderer").then(
          () => "done",
          (error: { details: { retryAfterSeconds: number } }) => error.details.retryAfterSeconds > 50,
        ),
      );
    }

    expect(outcomes).toEqual(["done", "done", "done", "done", "done", true, true, true]);
  });

  it("are counted from zero again when the minute is over and its entry still exists", async () => {
    expect(await passedOf("somebody")).toBe(5);
    const entries = app.app.database.connection.collection<{ _id: string }>("rate_limit_attempts");
    for (let round = 0; round < 10; round++) {
      await entries.updateOne({ _id: "upload:somebody" }, { $set: { expire: new Date(Date.now() - 1_000) } });
      expect(await passedOf("somebody")).toBe(5);
    }
  });
});
