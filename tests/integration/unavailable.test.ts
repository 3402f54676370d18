// Errors that are the service's fault: what GraphQL and REST answer, and that later requests succeed.
import { afterEach, describe, expect, it, vi } from "vitest";

import { secondDatabaseUri, startEmbeddedInThread } from "../support/database.ts";
import * as sampleImages from "../support/sample-images.ts";
import { TestApp, type Person } from "../support/test-app.ts";

let app: TestApp;
afterEach(() => app.stop());

describe("too many pictures at once", () => {
  /** Upload functions of GraphQL and REST. Each resolves to "done" or an error code, and the seconds to wait. */
  const doors: Record<string, (bytes: Buffer, person: Person) => Promise<{ code: unknown; wait: unknown }>> =
    {
      GraphQL: async (bytes, { token }) => {
        const [error] = (await app.upload({ bytes }, token)).errors;
        return { code: error?.extensions.code ?? "done", wait: error?.extensions.retryAfterSeconds };
      },
      "plain HTTP": async (bytes, person) => {
        const response = await app.uploadByRest({ bytes }, person);
        const { code = "done" } = (await response.json()) as { code?: string };
        return { code, wait: Number(response.headers.get("retry-after")) };
      },
    };

  it.each(Object.keys(doors))(
    "get OVERLOADED through %s beyond the queue's limit, and later uploads succeed",
    async (door) => {
      app = await TestApp.start({}, { pictureQueue: { maxConcurrent: 1, maxWaiting: 1 } });
      const upload = doors[door]!;
      const bytes = await sampleImages.flatPng(6000, 6000);
      const people = await Promise.all(Array.from({ length: 12 }, () => app.givenPerson()));

      const outcomes = await Promise.all(people.map((person) => upload(bytes, person)));

      const refused = outcomes.filter(({ code }) => code === "OVERLOADED");
      expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set(["done", "OVERLOADED"]));
      expect(new Set(refused.map(({ wait }) => wait))).toEqual(new Set([5]));
      expect(await app.mediaCollection.countDocuments({ status: "ready" })).toBe(12 - refused.length);
      expect((await upload(bytes, people[0]!)).code).toBe("done");
    },
  );
});

describe.skipIf(secondDatabaseUri() !== undefined)("a database that has stopped", () => {
  it("leads to DATABASE_UNAVAILABLE from GraphQL and REST, and nothing is stored", async () => {
    let stopDatabase = () => Promise.resolve();
    app = await TestApp.start(
      {},
      {
        startEmbeddedMongo: async (file) => {
          const embedded = await startEmbeddedInThread(file);
          stopDatabase = embedded.close;
          return { uri: embedded.uri, close: async () => {} };
        },
      },
    );
    const person = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const files = await app.storedFiles();
    await stopDatabase();

    const [picture, graphql, upload, rest, ready] = await Promise.all([
      app.picture("a".repeat(24)), // A cached picture would be sent for two seconds more: see `faults.test.ts`.
      app.graphql("{ users { edges { node { id } } } }", {}, person.token),
      app.upload({ bytes: sampleImages.portraitJpeg() }, person.token),
      app.uploadByRest({ bytes: sampleImages.portraitJpeg() }, person),
      app.fetch("/readyz"),
    ]);

    expect([picture.status, rest.status, ready.status]).toEqual([503, 503, 503]);
    expect(picture.headers.get("retry-after")).toBe("5");
    expect(await picture.json()).toMatchObject({ code: "DATABASE_UNAVAILABLE", retryAfterSeconds: 5 });
    expect(await rest.json()).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    expect(graphql.errors[0]!.extensions).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      retryAfterSeconds: 5,
    });
    expect(upload.errors[0]!.extensions.code).toBe("DATABASE_UNAVAILABLE");
    expect(await app.storedFiles()).toEqual(files);
  });
});

describe("an unexpected error", () => {
  it("is reported by GraphQL and REST without its message", async () => {
    app = await TestApp.start();
    const { user, token, mediaId } = await app.givenPersonWithPicture(sampleImages.portraitJpeg());
    const error = new Error("the password is 1234");
    vi.spyOn(app.app.storage, "read").mockRejectedValue(error);
    vi.spyOn(app.app.storage, "put").mockRejectedValue(error);

    const picture = await app.picture(mediaId);
    const rest = await app.uploadByRest({ bytes: sampleImages.portraitJpeg() }, { user, token });
    const graphql = await app.upload({ bytes: sampleImages.portraitJpeg() }, token);

    const body = {
      success: false,
      message: "Something went wrong on our side.",
      code: "INTERNAL_SERVER_ERROR",
      requestId: expect.any(String),
    };
    expect([picture.status, rest.status, graphql.status]).toEqual([500, 500, 200]);
    expect(await picture.json()).toEqual(body);
    expect(await rest.json()).toEqual(body);
    expect(graphql.errors).toEqual([
      expect.objectContaining({
        message: body.message,
        extensions: { code: body.code, requestId: body.requestId },
      }),
    ]);
  });
});
