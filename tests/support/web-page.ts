// The page of the built program, as a person uses it. Used by the tests in a browser and by the script that takes its
// pictures.
import type { Page } from "playwright-core";

/** Somebody who sits in front of it. */
export class Visitor {
  constructor(readonly page: Page) {}

  async signUp(username: string): Promise<void> {
    await this.page.getByLabel("Name").fill(username);
    await this.page.getByLabel("E-mail").fill(`${Math.random().toString(36).slice(2)}@example.com`);
    await this.page.getByLabel("Password").fill("amazing grace");
    await this.page.getByRole("button", { name: "Sign up" }).click();
    await this.page.getByRole("heading", { name: "Your picture" }).waitFor();
  }

  /** Chooses a file; what becomes of it is seen in the editor. */
  choose(bytes: Buffer, name = "me.jpg", mimeType = "image/jpeg"): Promise<void> {
    return this.page.getByLabel("Picture file").setInputFiles({ name, mimeType, buffer: bytes });
  }

  get zoom() {
    return this.page.getByRole("slider", { name: "Zoom" });
  }

  async use(): Promise<void> {
    await this.page.getByRole("button", { name: "Use this picture" }).click();
  }

  async upload(bytes: Buffer): Promise<void> {
    await this.choose(bytes);
    await this.zoom.waitFor();
    await this.use();
    await this.page.getByText("That is you now").waitFor();
    await this.picturesHaveCome();
  }

  /** All that are shown: one that is deleted before it has come would be a failure in the console. */
  async picturesHaveCome(): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (
      !(await this.page.evaluate(
        "[...document.images].every((image) => image.complete && image.naturalWidth > 0)",
      ))
    ) {
      if (Date.now() > deadline) throw new Error("a picture has not come");
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }

  /** Addresses of one's own picture wherever it is shown: in the header, large, and in the list. */
  async ownPictures(username: string): Promise<string[]> {
    const places = [
      this.page.locator("header .profile-picture"),
      this.page.locator(".mine .profile-picture"),
      this.page.getByRole("listitem").filter({ hasText: username }).locator(".profile-picture"),
    ];
    return Promise.all(places.map(async (place) => (await place.getAttribute("src")) ?? "initials"));
  }
}
