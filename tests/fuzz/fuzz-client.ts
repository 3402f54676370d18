// Uploads through GraphQL or REST, and sometimes spoils the multipart form as well.
import type { Random } from "./random.ts";

export interface Outcome {
  status: number;
  /** The error code, or "accepted". */
  code: string;
  message: string;
  media: { id: string; width: number; height: number } | null;
}

const UPLOAD = `mutation ($file: Upload!) {
  uploadProfilePicture(file: $file) { media { id width height } }
}`;
const SIGN_UP = `mutation ($input: RegisterInput!) { register(input: $input) { token user { id } } }`;
const SIZE = `query ($id: ID!) { media(id: $id) { id width height } }`;

/** A request that takes longer counts as a hang, which is a finding. Slow requests below that are only reported. */
const TIMEOUT_MS = 60_000;

export class FuzzClient {
  private constructor(
    readonly url: string,
    readonly token: string,
    readonly userId: string,
  ) {}

  static async signUp(url: string, username: string): Promise<FuzzClient> {
    const input = { username, email: `${username}@example.com`, password: "correct horse" };
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: SIGN_UP, variables: { input } }),
    });
    const { data } = (await response.json()) as {
      data: { register: { token: string; user: { id: string } } };
    };
    return new FuzzClient(url, data.register.token, data.register.user.id);
  }

  get(route: string): Promise<Response> {
    return fetch(`${this.url}${route}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  }

  async upload(bytes: Buffer, random: Random): Promise<Outcome> {
    return random.chance(50) ? this.#uploadByGraphQL(bytes, random) : this.#uploadByRest(bytes, random);
  }

  async #uploadByGraphQL(bytes: Buffer, random: Random): Promise<Outcome> {
    const form = new FormData();
    form.set("operations", JSON.stringify({ query: UPLOAD, variables: { file: null } }));
    form.set("map", '{"0":["variables.file"]}');
    form.set("0", new Blob([new Uint8Array(bytes)]), "picture");
    const { status, body } = await this.#post("/graphql", form, random);
    const { data, errors } = body as {
      data?: { uploadProfilePicture: { media: Outcome["media"] } } | null;
      errors?: { message: string; extensions: { code: string } }[];
    };
    if (errors) return { status, code: errors[0]!.extensions.code, message: errors[0]!.message, media: null };
    return { status, code: "accepted", message: "", media: data!.uploadProfilePicture.media };
  }

  async #uploadByRest(bytes: Buffer, random: Random): Promise<Outcome> {
    const form = new FormData();
    form.set("file", new Blob([new Uint8Array(bytes)]), "picture");
    const { status, body } = await this.#post(`/api/users/${this.userId}/profile-picture`, form, random);
    const { success, code, message, media_id: id } = body as Record<string, string> & { success: boolean };
    if (!success) return { status, code: code!, message: message!, media: null };
    const response = await fetch(`${this.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ query: SIZE, variables: { id } }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const { data } = (await response.json()) as { data: { media: Outcome["media"] } };
    return { status, code: "accepted", message: "", media: data.media };
  }

  async #post(route: string, form: FormData, random: Random): Promise<{ status: number; body: unknown }> {
    const encoded = new Response(form);
    // `FormData` makes a random boundary. A fixed one lets the seed repeat the run.
    const ownBoundary = /boundary=(.*)$/.exec(encoded.headers.get("content-type")!)![1]!;
    let body: Buffer = Buffer.from(
      Buffer.from(await encoded.arrayBuffer())
        .toString("latin1")
        .replaceAll(ownBoundary, "letsapp-boundary"),
      "latin1",
    );
    if (random.chance(10)) body = spoilForm(body, random);
    const response = await fetch(`${this.url}${route}`, {
      method: "POST",
      headers: {
        "content-type": "multipart/form-data; boundary=letsapp-boundary",
        "apollo-require-preflight": "true",
        authorization: `Bearer ${this.token}`,
      },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, body: await response.json() };
  }
}

function spoilForm(body: Buffer, random: Random): Buffer {
  const at = random.below(Math.min(body.length, 900));
  if (random.chance(40)) return body.subarray(0, random.below(body.length));
  if (random.chance(50))
    return Buffer.concat([body.subarray(0, at), random.bytes(1 + random.below(40)), body.subarray(at)]);
  return Buffer.concat([body.subarray(0, at), body.subarray(at + 1 + random.below(20))]);
}
