import { afterAll, beforeAll, describe, expect, it } from "vitest";

import * as sampleImages from "../support/sample-images.ts";
import { TestApp } from "../support/test-app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await TestApp.start();
});
afterAll(() => app.stop());

describe("uploadProfilePicture", () => {
  it("answers with the picture and its addresses", async () => {
    const person = await app.givenPerson();

    const { status, data, errors } = await app.upload(
      { bytes: sampleImages.portraitJpeg(), filename: "My Photo.JPG" },
      person.token,
    );

    expect(errors).toEqual([]);
    expect(status).toBe(200);
    expect(data.uploadProfilePicture).toMatchObject({
      success: true,
      message: "Profile picture updated successfully",
    });
  });
});
