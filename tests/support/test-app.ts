// The whole service for a test: a real database, real files, and real HTTP on its own port.
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { createApp, type App, type Overrides } from "../../src/app.ts";
import { loadConfig, type Config, type StorageConfig } from "../../src/config/config.ts";
import type { User } from "../../src/domain/user.ts";
import type { RequestContext } from "../../src/graphql/context.ts";
import { inThisProcess } from "../../src/images/tasks.ts";
import { createLoaders } from "../../src/graphql/loaders.ts";
import { freshDatabaseConfig, secondDatabaseUri, startEmbeddedInThread } from "./database.ts";

export const TEST_SECRET = "a secret of the tests, long enough for HS256";

export interface GraphQLAnswer {
  status: number;
  // eslint-disable-next-line typescript/no-explicit-any
  data: any;
  errors: { message: string; path?: string[]; extensions: Record<string, unknown> & { code: string } }[];
}

/** A signed-in user. */
export interface Person {
  user: User;
  token: string;
}

export interface FileToUpload {
  bytes: Buffer;
  filename?: string;
  contentType?: string;
}

export const UPLOAD = `
  mutation ($file: Upload!, $userId: ID) {
    uploadProfilePicture(file: $file, userId: $userId) {
      success
      message
      user { id profilePicture { id } }
      media {
        id url thumbnailUrl originalFilename fileSize mediaType mimeType width height viewCount createdAt
        uploader { id }
      }
    }
  }
`;

export const DELETE = `
  mutation ($userId: ID) {
    deleteProfilePicture(userId: $userId) { success message user { id profilePicture { id } } media { id } }
  }
`;

export class TestApp {
  private constructor(
    readonly app: App,
    readonly config: Config,
    readonly baseUrl: string,
    readonly folder: string,
  ) {}

  /** @param env variables that replace the defaults */
  static async start(env: Record<string, string> = {}, overrides: Overrides = {}): Promise<TestApp> {
    const folder = await mkdtemp(path.join(tmpdir(), "letsapp-test-"));
    const config = loadConfig({
      PORT: "0",
      INSTANCE_DIR: folder,
      LOG_LEVEL: "silent",
      SIGN_INS_PER_MINUTE: "1000",
      JWT_CLOCK_TOLERANCE_SECONDS: "5",
      ...(env.JWT_JWKS_URL ? {} : { JWT_SECRET: TEST_SECRET }),
      ...env,
    });
    const withDatabase = { ...config, database: freshDatabaseConfig(folder) };
    const app = await createApp(withDatabase, {
      startEmbeddedMongo: startEmbeddedInThread,
      imageWorker: inThisProcess, // Node cannot start TypeScript as a child process.
      ...overrides,
    });
    return new TestApp(app, withDatabase, await app.start(), folder);
  }

  async stop(): Promise<void> {
    if (secondDatabaseUri()) await this.app.database.connection.dropDatabase();
    this.app.server.server.closeAllConnections(); // A test may read the status and leave the body unread.
    await this.app.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Creates a user in the database and issues a token. */
  async givenPerson(username = `user-${randomBytes(6).toString("hex")}`): Promise<Person> {
    const user = await this.app.database.users.create({
      username,
      email: `${randomBytes(6).toString("hex")}@example.com`,
      passwordHash: "none",
    });
    this.app.changes.emit("userAdded", user.id);
    return { user, token: await this.app.tokens.issue(user.id) };
  }

  /** Creates a user and uploads a picture for that user. */
  async givenPersonWithPicture(bytes: Buffer): Promise<Person & { mediaId: string }> {
    const person = await this.givenPerson();
    const { data, errors } = await this.upload({ bytes }, person.token);
    if (!data) throw new Error(errors[0]!.message);
    return { ...person, mediaId: data.uploadProfilePicture.media.id };
  }

  fetch(route: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.baseUrl}${route}`, init);
  }

  picture(
    mediaId: string,
    query = "",
    headers: Record<string, string> = {},
    method = "GET",
  ): Promise<Response> {
    return this.fetch(`/api/users/media/${mediaId}${query}`, { headers, method });
  }

  async graphql(query: string, variables: object = {}, token?: string): Promise<GraphQLAnswer> {
    return toAnswer(
      await this.fetch("/graphql", {
        method: "POST",
        headers: { "content-type": "application/json", ...bearer(token) },
        body: JSON.stringify({ query, variables }),
      }),
    );
  }

  /** Uploads through GraphQL, as the multipart request specification says. */
  async upload(
    file: FileToUpload,
    token?: string,
    { query = UPLOAD, userId }: { query?: string; userId?: string } = {},
  ): Promise<GraphQLAnswer> {
    const form = new FormData();
    form.set("operations", JSON.stringify({ query, variables: { file: null, userId } }));
    form.set("map", JSON.stringify({ 0: ["variables.file"] }));
    form.set("0", toBlob(file), file.filename ?? "picture");
    return this.postForm(form, token);
  }

  async postForm(form: FormData, token?: string): Promise<GraphQLAnswer> {
    const headers = { "apollo-require-preflight": "true", ...bearer(token) };
    return toAnswer(await this.fetch("/graphql", { method: "POST", headers, body: form }));
  }

  /** Uploads through REST. */
  uploadByRest(
    file: FileToUpload,
    { user, token }: { user: { id: string }; token?: string },
  ): Promise<Response> {
    const form = new FormData();
    form.set("file", toBlob(file), file.filename ?? "picture");
    return this.postFormByRest(form, { user, ...(token && { token }) });
  }

  postFormByRest(
    form: FormData,
    { user, token }: { user: { id: string }; token?: string },
  ): Promise<Response> {
    const route = `/api/users/${user.id}/profile-picture`;
    return this.fetch(route, { method: "POST", headers: bearer(token), body: form });
  }

  deleteByRest({ user, token }: { user: { id: string }; token?: string }): Promise<Response> {
    return this.fetch(`/api/users/${user.id}/profile-picture`, { method: "DELETE", headers: bearer(token) });
  }

  /** The context that resolvers get for a request of this user; null stands for an anonymous client. */
  contextOf(userId: string | null): RequestContext {
    const { accounts, liveChanges, media, placeholders, profilePictures, urls, server } = this.app;
    return {
      actor: userId === null ? null : { id: userId, roles: [], authentication: "shared-secret" },
      requestId: "test",
      log: server.log,
      network: "127.0.0.1",
      services: { accounts, liveChanges, media, placeholders, profilePictures, urls },
      loaders: createLoaders(accounts, media),
    };
  }

  /** The `media` collection through the plain driver. */
  get mediaCollection() {
    return this.app.database.connection.collection("media");
  }

  /** The `users` collection through the plain driver. */
  get usersCollection() {
    return this.app.database.connection.collection("users");
  }

  /** Names of all files in the pictures' folder, including those that should not be there. */
  async storedFiles(): Promise<string[]> {
    return (await readdir(rootDirOf(this.config.storage)).catch(() => [])).sort();
  }

  /** The records and files that a refused upload must not change. */
  async traces(): Promise<{ records: number; files: string[] }> {
    return { records: await this.mediaCollection.countDocuments(), files: await this.storedFiles() };
  }
}

export function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

export function toBlob({ bytes, contentType = "application/octet-stream" }: FileToUpload): Blob {
  return new Blob([new Uint8Array(bytes)], { type: contentType });
}

async function toAnswer(response: Response): Promise<GraphQLAnswer> {
  const { data = null, errors = [] } = (await response.json()) as Partial<GraphQLAnswer>;
  return { status: response.status, data, errors };
}

export function rootDirOf(storage: StorageConfig): string {
  if (storage.kind !== "local") throw new Error("the pictures are in a bucket");
  return storage.rootDir;
}
