// Users who upload, replace, delete, restore and view pictures through GraphQL and REST, all at once.
import type { Random } from "../fuzz/random.ts";
import { PictureLedger, ViewLedger } from "./ledger.ts";

const UPLOAD = `mutation ($file: Upload!) { uploadProfilePicture(file: $file) { media { id } } }`;
const DELETE = `mutation { deleteProfilePicture { success } }`;
const RESTORE = `mutation ($id: ID!) { restoreProfilePicture(mediaId: $id) { media { id } } }`;
const SIGN_UP = `mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }`;
const CURRENT = `{ me { profilePicture { id viewCount } } }`;

/** Error codes that are allowed in responses of a service that is killed again and again. */
const allowedCodes = new Set(["NO_PROFILE_PICTURE", "MEDIA_NOT_FOUND", "OVERLOADED", "DATABASE_UNAVAILABLE"]);

export interface Counts {
  acknowledged: number;
  refused: number;
  unanswered: number;
}

interface Answer {
  code: string | null;
  // eslint-disable-next-line typescript/no-explicit-any
  data: any;
}

/** All that clients know of the service. */
export class World {
  readonly people: Person[] = [];
  readonly views = new Map<string, ViewLedger>();
  readonly counts = new Map<string, Counts>();
  /** The uploaded bytes by media id. */
  readonly contents = new Map<string, Buffer>();
  readonly violations: string[] = [];

  constructor(
    /** The current base URL of the service, which has another port after each start. */
    readonly url: () => string,
    readonly pictures: readonly Buffer[],
    readonly random: Random,
  ) {}

  async signUp(username: string): Promise<Person> {
    const input = { username, email: `${username}@example.com`, password: "correct horse" };
    const { data } = await this.graphql(SIGN_UP, { input });
    const person = new Person(this, data.register.token, data.register.user.id);
    this.people.push(person);
    return person;
  }

  async graphql(query: string, variables: object, token?: string): Promise<Answer> {
    return readGraphQL(
      await fetch(`${this.url()}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ query, variables }),
      }),
    );
  }

  viewsOf(mediaId: string): ViewLedger {
    const ledger = this.views.get(mediaId) ?? new ViewLedger();
    this.views.set(mediaId, ledger);
    return ledger;
  }

  /** Views a picture that some user was last seen to have. */
  async view(): Promise<void> {
    const shown = this.people.flatMap(({ lastShown }) => lastShown ?? []);
    if (shown.length === 0) return;
    const mediaId = this.random.pick(shown);
    const ledger = this.viewsOf(mediaId);
    await this.counted("view", async () => {
      ledger.started += 1;
      const isThumbnail = this.random.chance(50);
      const query = isThumbnail ? "?thumbnail=true" : "";
      const response = await fetch(`${this.url()}/api/users/media/${mediaId}${query}`);
      const bytes = Buffer.from(await response.arrayBuffer());
      if (response.status === 404) return "MEDIA_NOT_FOUND"; // The picture has just been replaced.
      if (response.status !== 200) return `${response.status}`;
      const expected = this.contents.get(mediaId);
      if (!isThumbnail && expected && !bytes.equals(expected))
        this.violations.push(`${mediaId} shows other bytes`);
      ledger.completed += 1;
      return null;
    });
  }

  /** Runs one operation and counts its outcome. A connection that ends early counts as unanswered. */
  async counted(kind: string, operation: () => Promise<string | null>): Promise<void> {
    const counts = this.counts.get(kind) ?? { acknowledged: 0, refused: 0, unanswered: 0 };
    this.counts.set(kind, counts);
    let code: string | null;
    try {
      code = await operation();
    } catch (error) {
      // A kill ends the connection before the end of the body, which is a different error.
      if (error instanceof SyntaxError) this.violations.push(`${kind} was answered what is no JSON`);
      counts.unanswered += 1;
      return;
    }
    if (code === null) counts.acknowledged += 1;
    else counts.refused += 1;
    if (code !== null && !allowedCodes.has(code)) this.violations.push(`${kind} was answered ${code}`);
  }
}

export class Person {
  readonly pictures = new PictureLedger();
  /** The id of a picture to view, which may be gone already. */
  lastShown: string | null = null;

  constructor(
    readonly world: World,
    readonly token: string,
    readonly userId: string,
  ) {}

  get #route(): string {
    return `${this.world.url()}/api/users/${this.userId}/profile-picture`;
  }

  async upload(): Promise<void> {
    const { random, pictures, url } = this.world;
    const bytes = random.pick(pictures);
    const file = new Blob([new Uint8Array(bytes)]);
    const isGraphQL = random.chance(50);
    const change = this.pictures.begin();
    await this.world.counted("upload", async () => {
      const form = new FormData();
      if (isGraphQL) {
        form.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));
        form.set("map", '{"0":["variables.file"]}');
      }
      form.set(isGraphQL ? "0" : "file", file, "picture");
      const headers = { authorization: `Bearer ${this.token}`, "apollo-require-preflight": "true" };
      const route = isGraphQL ? `${url()}/graphql` : this.#route;
      const response = await fetch(route, { method: "POST", headers, body: form });
      const { code, data } = isGraphQL ? await readGraphQL(response) : await readRest(response);
      if (code !== null) return code;
      const mediaId: string = data.media_id ?? data.uploadProfilePicture.media.id;
      this.world.contents.set(mediaId, bytes);
      this.#acknowledge(change, mediaId);
      return null;
    });
  }

  async delete(): Promise<void> {
    const isGraphQL = this.world.random.chance(50);
    const change = this.pictures.begin(null);
    await this.world.counted("delete", async () => {
      const headers = { authorization: `Bearer ${this.token}` };
      const { code } = isGraphQL
        ? await this.world.graphql(DELETE, {}, this.token)
        : await readRest(await fetch(this.#route, { method: "DELETE", headers }));
      if (code === null) this.#acknowledge(change, null);
      if (code === "NO_PROFILE_PICTURE") this.pictures.refuse(change);
      return code;
    });
  }

  /**
   * Restores a picture that is gone for certain, which may be shown again once the request is under way. Call this
   * only for users whose picture no other lane changes.
   */
  async restore(): Promise<void> {
    const gone = [...this.pictures.gone];
    if (gone.length === 0) return;
    const mediaId = this.world.random.pick(gone);
    const change = this.pictures.begin(mediaId);
    await this.world.counted("restore", async () => {
      const { code } = await this.world.graphql(RESTORE, { id: mediaId }, this.token);
      if (code === null) this.#acknowledge(change, mediaId);
      return code;
    });
  }

  /** Reads the user's own picture. Checks that its count never falls and includes every answered view. */
  async look(): Promise<{ id: string; viewCount: number } | null | undefined> {
    let picture: { id: string; viewCount: number } | null | undefined;
    const completedBefore = new Map([...this.world.views].map(([id, { completed }]) => [id, completed]));
    const shownBefore = new Map([...this.world.views].map(([id, { shown }]) => [id, shown]));
    await this.world.counted("look", async () => {
      const { code, data } = await this.world.graphql(CURRENT, {}, this.token);
      if (code === null) picture = data.me.profilePicture;
      return code;
    });
    if (!picture) return picture;
    const { id, viewCount } = picture;
    const ledger = this.world.viewsOf(id);
    const least = Math.max(completedBefore.get(id) ?? 0, shownBefore.get(id) ?? 0);
    if (viewCount < least || viewCount > ledger.started) {
      this.world.violations.push(`${id} shows ${viewCount} views: ${least} to ${ledger.started} are right`);
    }
    ledger.shown = Math.max(ledger.shown, viewCount);
    this.lastShown = id;
    return picture;
  }

  #acknowledge(change: ReturnType<PictureLedger["begin"]>, mediaId: string | null): void {
    this.pictures.acknowledge(change, mediaId);
    if (mediaId) this.lastShown = mediaId;
  }
}

async function readGraphQL(response: Response): Promise<Answer> {
  const { data, errors } = (await response.json()) as Answer & {
    errors?: { extensions: { code: string } }[];
  };
  return { code: errors?.[0]?.extensions.code ?? null, data };
}

async function readRest(response: Response): Promise<Answer> {
  const body = (await response.json()) as { success: boolean; code: string };
  return { code: body.success ? null : body.code, data: body };
}
