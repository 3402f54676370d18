// Explains why a file cannot be sent as it is, and offers to convert it if the browser can display it.
import { useState } from "react";

import { ErrorNote } from "../ErrorNote.tsx";
import type { CheckedFile } from "./check-file.ts";
import { scaleDown } from "./scale-down.ts";

interface Props {
  file: File;
  checked: CheckedFile;
  onScaledDown: (file: File) => void;
}

export function FileProblem({ file, checked: { problem, isShown, isGif }, onScaledDown }: Props) {
  const [state, setState] = useState<"ready" | "working" | "failed">("ready");

  const isTooLarge = problem!.code === "FILE_TOO_LARGE" || problem!.code === "IMAGE_TOO_COMPLEX";

  async function makeSmaller() {
    setState("working");
    const jpeg = await scaleDown(file).catch(() => null);
    if (!jpeg) return setState("failed");
    const name = file.name.replace(/\.[^.]*$/, "");
    onScaledDown(new File([jpeg], `${name}.jpg`, { type: "image/jpeg" }));
  }

  return (
    <>
      <ErrorNote error={problem!} />
      {isShown && state !== "failed" && (
        <div className="way-out">
          <p>
            {isTooLarge
              ? `We can make it smaller, here in your browser${isGif ? "; it will not move any more" : ""}.`
              : "We can make a JPG of it, here in your browser."}
          </p>
          <button type="button" disabled={state === "working"} onClick={() => void makeSmaller()}>
            {isTooLarge ? "Make it smaller" : "Make it a JPG"}
          </button>
        </div>
      )}
      {state === "failed" && (
        <p className="hint">Your browser cannot do that with this file. Please choose another one.</p>
      )}
    </>
  );
}
