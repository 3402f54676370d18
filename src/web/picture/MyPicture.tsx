// Shows the signed-in user's picture, and lets the user change, delete and restore it.
import { useRef, useState } from "react";

import { useApolloClient, useMutation } from "@apollo/client/react";

import { toServiceError, type ErrorCode, type ServiceError } from "../api/errors.ts";
import {
  DeleteProfilePictureDocument,
  MeDocument,
  RestoreProfilePictureDocument,
  type OwnPictureFragment,
} from "../api/operations.generated.ts";
import { ErrorNote } from "../ErrorNote.tsx";
import { useFocusKept } from "../useFocusKept.ts";
import { PictureEditor } from "./PictureEditor.tsx";
import { PictureFacts } from "./PictureFacts.tsx";
import { ProfilePicture } from "./ProfilePicture.tsx";
import { useDroppedFile } from "./useDroppedFile.ts";

/** Codes that mean that the displayed picture no longer exists. */
const goneCodes = new Set<ErrorCode>(["MEDIA_NOT_FOUND", "NO_PROFILE_PICTURE"]);

/** The message about the last change, and the id of the picture that the change removed. */
interface Done {
  text: string;
  lostId: string | null;
}

export function MyPicture({ me }: { me: OwnPictureFragment }) {
  const [file, setFile] = useState<File | null>(null);
  const [done, setDone] = useState<Done | null>(null);
  const [error, setError] = useState<ServiceError | null>(null);
  const [remove, { loading: isRemoving }] = useMutation(DeleteProfilePictureDocument);
  const [restore, { loading: isRestoring }] = useMutation(RestoreProfilePictureDocument);
  const client = useApolloClient();
  const status = useFocusKept<HTMLDivElement>(done ?? error);
  const input = useRef<HTMLInputElement>(null);
  const isOver = useDroppedFile(edit);
  const currentId = me.profilePicture?.id ?? null;

  function edit(next: File | null) {
    setFile(next);
    setDone(null);
    setError(null);
  }

  /** @param text the message to show after a success */
  async function change(work: () => Promise<unknown>, text: string, lostId: string | null) {
    setError(null);
    setDone(null);
    try {
      await work();
      setDone({ text, lostId });
    } catch (cause) {
      const failure = toServiceError(cause);
      setError(failure);
      // The picture was changed in another tab or on another device.
      if (goneCodes.has(failure.code)) await client.refetchQueries({ include: [MeDocument] });
    }
  }

  return (
    <section className={`card mine ${isOver ? "over" : ""}`} aria-labelledby="mine-title">
      <h1 id="mine-title" className="title">
        Your picture
      </h1>
      <ProfilePicture
        user={me}
        sizePx={240}
        alt={currentId ? "Your profile picture" : "Your initials: you have no picture yet"}
      />
      {me.profilePicture ? (
        <PictureFacts picture={me.profilePicture} />
      ) : (
        <p className="hint">Until you choose one, people see your initials.</p>
      )}
      <div className="actions">
        <button type="button" onClick={() => input.current?.click()}>
          {currentId ? "Change picture" : "Choose a picture"}
        </button>
        {currentId && (
          <button
            type="button"
            className="quiet danger"
            disabled={isRemoving}
            onClick={() => void change(() => remove(), "Your picture is deleted.", currentId)}
          >
            Delete
          </button>
        )}
      </div>
      <p className="hint drop">Or drop a file anywhere on this page, or paste one.</p>
      <input
        ref={input}
        type="file"
        hidden
        accept="image/*"
        aria-label="Picture file"
        onChange={({ currentTarget }) => {
          edit(currentTarget.files?.[0] ?? null);
          currentTarget.value = ""; // Allows the user to choose the same file again.
        }}
      />
      <div ref={status} className="done" role="status" tabIndex={-1}>
        {done && (
          <p className="note">
            {done.text}
            {done.lostId && (
              <button
                type="button"
                className="quiet"
                disabled={isRestoring}
                onClick={() => {
                  const mediaId = done.lostId!;
                  void change(() => restore({ variables: { mediaId } }), "Your picture is back.", null);
                }}
              >
                Undo
              </button>
            )}
          </p>
        )}
      </div>
      {error && <ErrorNote error={error} />}
      {file && (
        <PictureEditor
          file={file}
          onClose={() => setFile(null)}
          onUploaded={() =>
            setDone({ text: "That is you now. Everybody sees your new picture.", lostId: currentId })
          }
        />
      )}
    </section>
  );
}
