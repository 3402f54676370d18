// Uploads a profile picture, with progress, cancellation and errors. Copy this file together with the folder `api`.
import { useCallback, useEffect, useRef, useState } from "react";

import { useMutation } from "@apollo/client/react";

import { toServiceError, type ServiceError } from "../api/errors.ts";
import {
  UploadProfilePictureDocument,
  type CropInput,
  type OwnPictureFragment,
} from "../api/operations.generated.ts";

export type UploadState =
  | { status: "idle" }
  /** `progress` is the share that has been sent, 0 to 1; 1 means that the service is processing the upload. */
  | { status: "sending"; progress: number }
  | { status: "failed"; error: ServiceError };

export function useProfilePictureUpload() {
  const [mutate] = useMutation(UploadProfilePictureDocument);
  const [state, setState] = useState<UploadState>({ status: "idle" });
  const running = useRef<AbortController | null>(null);
  const cancel = useCallback(() => running.current?.abort(), []);
  useEffect(() => cancel, [cancel]);

  /** @returns the user with the new picture, or null when the upload failed (see `state`) or was cancelled */
  const upload = useCallback(
    async (file: Blob, crop: CropInput | null = null): Promise<OwnPictureFragment | null> => {
      running.current?.abort();
      const controller = new AbortController();
      running.current = controller;
      const show = (next: UploadState) => running.current === controller && setState(next);
      const onProgress = (progress: number) => show({ status: "sending", progress });
      onProgress(0);
      try {
        const fetchOptions = { signal: controller.signal, onProgress };
        const { data } = await mutate({ variables: { file, crop }, context: { fetchOptions } });
        show({ status: "idle" });
        return data?.uploadProfilePicture.user ?? null;
      } catch (error) {
        show(
          controller.signal.aborted ? { status: "idle" } : { status: "failed", error: toServiceError(error) },
        );
        return null;
      }
    },
    [mutate],
  );
  return { state, upload, cancel };
}
