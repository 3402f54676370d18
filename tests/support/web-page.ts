// Uses the web page of the built program as a visitor does.
import type { Page } from "playwright-core";

/** A visitor of the web page. */
export class Visitor {
  constructor(readonly page: Page) {}

  async signUp(username: string): Promise<void> {
    await this.page.getByLabel("Name").fill(username);
    await this.page.getByLabel("E-mail").fill(`${Math.random().toString(36).slice(2)}@example.com`);
    await this.page.getByLabel("Password").fill("amazing grace");
    await this.page.getByRole("button", { name: "Sign up" }).click();
    await this.page.getByRole("heading", { name: "Your picture" }).waitFor();
  }

  /** Chooses a file in the form. The editor opens, unless the page refuses the file. */
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

  /** Waits until all pictures on the page are loaded. Deleting one before that would log an error on the console. */
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

  /** Addresses of the visitor's own picture in the header, in the large view and in the list. */
  async ownPictures(username: string): Promise<string[]> {
    const places = [
      this.page.locator("header .profile-picture"),
      this.page.locator(".mine .profile-picture"),
      this.page.getByRole("listitem").filter({ hasText: username }).locator(".profile-picture"),
    ];
    return Promise.all(places.map(async (place) => (await place.getAttribute("src")) ?? "initials"));
  }
}
