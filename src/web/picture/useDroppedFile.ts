// Receives a file that the user drops or pastes anywhere on the page.
import { useEffect, useEffectEvent, useState } from "react";

/** @returns true while a file is dragged over the page */
export function useDroppedFile(onFile: (file: File) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  const take = useEffectEvent((event: Event, files: FileList | undefined) => {
    const file = files?.[0];
    if (!file || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    onFile(file);
  });
  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    const holdsFile = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;
    addEventListener(
      "dragover",
      (event) => {
        if (!holdsFile(event)) return;
        event.preventDefault(); // Prevents the browser from opening the file instead of the page.
        setIsOver(true);
      },
      { signal },
    );
    addEventListener("dragleave", ({ relatedTarget }) => relatedTarget === null && setIsOver(false), {
      signal,
    });
    addEventListener(
      "drop",
      (event) => {
        setIsOver(false);
        if (holdsFile(event)) event.preventDefault();
        take(event, event.dataTransfer?.files);
      },
      { signal },
    );
    addEventListener("paste", (event) => take(event, event.clipboardData?.files), { signal });
    return () => listening.abort();
  }, []);
  return isOver;
}
