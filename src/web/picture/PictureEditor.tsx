// The dialog for a chosen file: checks the file, lets the user crop the picture, and uploads it.
import { useEffect, useRef, useState } from "react";

import { useApolloClient } from "@apollo/client/react";

import type { ErrorCode } from "../api/errors.ts";
import { MeDocument } from "../api/operations.generated.ts";
import { ErrorNote } from "../ErrorNote.tsx";
import { useFocusKept } from "../useFocusKept.ts";
import { checkFile, type CheckedFile } from "./check-file.ts";
import { CropStage, wholePicture, type CropArea } from "./CropStage.tsx";
import { FileProblem } from "./FileProblem.tsx";
import { UploadProgress } from "./UploadProgress.tsx";
import { useProfilePictureUpload } from "./useProfilePictureUpload.ts";

/** Delay of the second query after a cancelled upload. The service may have finished the upload by then. */
const LATE_CHANGE_MS = 2_000;

/** Codes of files that the service refuses. Sending the same file again would not help. */
const codesOfFiles = new Set<ErrorCode>([
  "FILE_TOO_LARGE",
  "IMAGE_TOO_COMPLEX",
  "UNREADABLE_IMAGE",
  "UNSUPPORTED_IMAGE_TYPE",
]);

interface Props {
  file: File;
  onClose: () => void;
  onUploaded: () => void;
}

export function PictureEditor({ file: chosen, onClose, onUploaded }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [file, setFile] = useState<File>(chosen);
  const [checked, setChecked] = useState<CheckedFile | null>(null);
  const [crop, setCrop] = useState<CropArea>(wholePicture);
  const [sent, setSent] = useState<File | null>(null);
  const { state, upload, cancel } = useProfilePictureUpload();
  const client = useApolloClient();
  const isSending = state.status === "sending";

  const failure = state.status === "failed" && sent === file ? state.error : null;
  /** The file, if the service refuses it and another file has to be sent. */
  const refused =
    checked && failure && codesOfFiles.has(failure.code) ? { ...checked, problem: failure } : null;

  const heading = useFocusKept<HTMLHeadingElement>(refused ? failure : checked);
  const again = useFocusKept<HTMLButtonElement>(failure);

  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    let isCurrent = true;
    setChecked(null);
    void checkFile(file).then((result) => isCurrent && setChecked(result));
    return () => {
      isCurrent = false;
    };
  }, [file]);

  async function send() {
    setSent(file);
    if (!checked || !(await upload(checked.copy, toFractions(crop)))) return;
    onUploaded();
    dialog.current?.close(); // The browser returns the focus to the element that had it before.
  }

  function stop() {
    cancel();
    // The whole upload may have arrived before the abort, so the service may still change the picture.
    for (const delayMs of [0, LATE_CHANGE_MS]) {
      setTimeout(() => void client.refetchQueries({ include: [MeDocument] }), delayMs);
    }
  }

  return (
    <dialog
      ref={dialog}
      className="editor"
      aria-labelledby="editor-title"
      onCancel={() => isSending && stop()}
      onClose={onClose}
    >
      <h2 id="editor-title" ref={heading} tabIndex={-1}>
        Fit your picture
      </h2>
      {!checked && <p className="hint">Looking at the file …</p>}
      {checked?.problem && <FileProblem file={file} checked={checked} onScaledDown={setFile} />}
      {checked && !checked.problem && <CropStage file={file} isDisabled={isSending} onChange={setCrop} />}
      {isSending && <UploadProgress progress={state.progress} />}
      {refused && <FileProblem file={file} checked={refused} onScaledDown={setFile} />}
      {failure && !refused && <ErrorNote error={failure} />}
      <div className="actions">
        <button
          type="button"
          className="quiet"
          onClick={() => (isSending ? stop() : dialog.current?.close())}
        >
          {isSending ? "Cancel upload" : "Cancel"}
        </button>
        {checked && !checked.problem && !refused && (
          <button ref={again} type="button" disabled={isSending} onClick={() => void send()}>
            {failure ? "Try again" : "Use this picture"}
          </button>
        )}
      </div>
    </dialog>
  );
}

/** Converts percent to the fractions that the service expects. Rounding errors cannot exceed 0 and 1. */
function toFractions({ x, y, width, height }: CropArea) {
  const fraction = (percent: number, max = 1) => Math.min(max, Math.max(0, percent / 100));
  const [left, top] = [fraction(x), fraction(y)];
  return { x: left, y: top, width: fraction(width, 1 - left), height: fraction(height, 1 - top) };
}
