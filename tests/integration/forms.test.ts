// Forms as browsers, React Native and other HTTP clients write them, through GraphQL and REST.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { bearer, TestApp, UPLOAD, type Person } from "../support/test-app.ts";

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

const FORM = "multipart/form-data; boundary=x";
const operations = JSON.stringify({ query: UPLOAD, variables: { file: null } });
const map = '{"0":["variables.file"]}';

/** Writes one part of a form. `headers` follows the name, such as `; filename="a.png"`. */
function part(name: string, content: string | Buffer, headers = ""): Buffer {
  const head = `--x\r\nContent-Disposition: form-data; name="${name}"${headers}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(content), Buffer.from("\r\n")]);
}

interface Outcome {
  status: number;
  code: string;
  message: string;
  filename: string | null;
}

async function sendByGraphQL(parts: Buffer[], contentType = FORM): Promise<Outcome> {
  const response = await app.fetch("/graphql", {
    method: "POST",
    headers: { ...bearer(person.token), "apollo-require-preflight": "true", "content-type": contentType },
    body: new Uint8Array(Buffer.concat([...parts, Buffer.from("--x--\r\n")])),
  });
  const { data, errors } = (await response.json()) as {
    data?: { uploadProfilePicture: { media: { originalFilename: string } } };
    errors?: { message: string; extensions: { code: string } }[];
  };
  return {
    status: response.status,
    code: errors?.[0]!.extensions.code ?? "done",
    message: errors?.[0]!.message ?? "",
    filename: data?.uploadProfilePicture.media.originalFilename ?? null,
  };
}

async function sendByRest(parts: Buffer[], contentType = FORM): Promise<Outcome> {
  const response = await app.fetch(`/api/users/${person.user.id}/profile-picture`, {
    method: "POST",
    headers: { ...bearer(person.token), "content-type": contentType },
    body: new Uint8Array(Buffer.concat([...parts, Buffer.from("--x--\r\n")])),
  });
  const body = (await response.json()) as { code?: string; message: string };
  const record = await app.mediaCollection.findOne({}, { sort: { _id: -1 } });
  return {
    status: response.status,
    code: body.code ?? "done",
    message: body.message,
    filename: body.code ? null : (record!.original_filename as string),
  };
}

/** Sends one file, with the given headers of its part, through either door. */
const doors: [string, (headers: string, content?: Buffer) => Promise<Outcome>][] = [
  [
    "GraphQL",
    (headers, content = bytes) =>
      sendByGraphQL([part("operations", operations), part("map", map), part("0", content, headers)]),
  ],
  ["REST", (headers, content = bytes) => sendByRest([part("file", content, headers)])],
];

describe.each([
  ["GraphQL", sendByGraphQL],
  ["REST", sendByRest],
] as const)("a Content-Type without a valid boundary, sent to %s", (_door, send) => {
  it.each([
    "multipart/form-data",
    "multipart/form-data; charset=utf-8",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=two words",
  ])("is refused with the cause: %s", async (contentType) => {
    const outcome = await send([part("file", bytes, '; filename="a.png"')], contentType);

    expect(outcome).toMatchObject({
      status: 400,
      code: "BAD_USER_INPUT",
      message:
        "The Content-Type header has no valid boundary. Do not set this header: the HTTP client sets it for a form.",
    });
  });
});

describe.each(doors)("a part without a file name, sent to %s", (_door, send) => {
  it.each(["image/jpeg", "IMAGE/PNG", "image/*", "application/octet-stream"])(
    "is a file if its content type is %s",
    async (contentType) => {
      const outcome = await send(`\r\nContent-Type: ${contentType}`);

      expect(outcome).toMatchObject({ status: 200, code: "done", filename: "picture" });
    },
  );

  it("is a file if its file name is empty", async () => {
    expect(await send('; filename=""\r\nContent-Type: image/jpeg')).toMatchObject({ code: "done" });
  });

  it("is refused above the size limit of files, and nothing is stored", async () => {
    const before = await app.traces();

    const outcome = await send("\r\nContent-Type: image/jpeg", await sampleImages.jpegOfSize(819_201));

    expect(outcome.code).toBe("FILE_TOO_LARGE");
    expect(await app.traces()).toEqual(before);
  });

  it("is refused as a file if its content type is that of text", async () => {
    expect(await send("\r\nContent-Type: text/plain")).toMatchObject({ code: "BAD_USER_INPUT" });
  });
});

describe.each(doors)("the file name of a part, sent to %s", (_door, send) => {
  it.each([
    ["my %22best%22 photo.jpg", 'my "best" photo.jpg'],
    ["two%0D%0Alines.jpg", "twolines.jpg"],
    ["100%.jpg", "100%.jpg"],
    ["%41.jpg", "%41.jpg"],
    ["%2522.jpg", "%2522.jpg"],
    ["a%2Fb.jpg", "a%2Fb.jpg"],
  ])("%s is stored as %s", async (sent, stored) => {
    const outcome = await send(`; filename="${sent}"\r\nContent-Type: image/png`);

    expect(outcome).toMatchObject({ code: "done", filename: stored });
  });

  it("is stored with its quotes if FormData escapes them", async () => {
    const form = new Request("http://localhost", { method: "POST", body: quotedForm() });
    const disposition = /; filename=.*/.exec(await form.text())![0];

    expect(await send(disposition)).toMatchObject({ filename: 'my "best" photo.jpg' });
  });
});

/** A form as the `FormData` of the platform writes it. */
function quotedForm(): FormData {
  const form = new FormData();
  form.set("file", new Blob(["x"]), 'my "best" photo.jpg');
  return form;
}

describe("text sent as a Blob", () => {
  const json = (text: string, type = "application/json") => new Blob([text], { type });
  const picture = () => new Blob([new Uint8Array(bytes)], { type: "image/png" });

  it.each(["application/json", ""])(
    "in `operations` and `map` is accepted with the type %j",
    async (type) => {
      const form = new FormData();
      form.set("operations", json(operations, type));
      form.set("map", json(map, type));
      form.set("0", picture(), "a.png");

      const { data, errors } = await app.postForm(form, person.token);

      expect(errors).toEqual([]);
      expect(data.uploadProfilePicture.media.originalFilename).toBe("a.png");
    },
  );

  it("in `operations` has the size limit of a field", async () => {
    const form = new FormData();
    form.set("operations", json(operations.replace("{", `{"padding":"${"x".repeat(300_000)}",`)));
    form.set("map", json(map));
    form.set("0", picture(), "a.png");

    const { status, errors } = await app.postForm(form, person.token);

    expect(status).toBe(400);
    expect(errors[0]!.message).toBe('The field "operations" has more than 262144 bytes.');
  });

  it("in `crop` is accepted by REST", async () => {
    const form = new FormData();
    form.set("crop", json('{"x":0.5,"y":0.2}'));
    form.set("file", picture(), "a.png");

    const response = await app.postFormByRest(form, person);

    expect(response.status).toBe(200);
    const record = await app.mediaCollection.findOne({}, { sort: { _id: -1 } });
    expect(record).toMatchObject({ crop: { x: 0.5, y: 0.2 } });
  });
});
