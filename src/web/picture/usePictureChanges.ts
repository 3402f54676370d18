// Keeps the pictures of people who are shown up to date: Apollo's cache takes over what the service tells.
import { useSubscription } from "@apollo/client/react";

import { ProfilePictureChangedDocument } from "../api/operations.generated.ts";

/** As many as the service takes. */
const MAX_USER_COUNT = 500;

/** What goes wrong here is seen by whoever asks for the same again from time to time. */
export function usePictureChanges(userIds: readonly string[]): void {
  useSubscription(ProfilePictureChangedDocument, {
    variables: { userIds: userIds.slice(0, MAX_USER_COUNT) },
    skip: userIds.length === 0,
    ignoreResults: true,
  });
}
