// Keeps the pictures of displayed users up to date: Apollo's cache stores the users that the service pushes.
import { useSubscription } from "@apollo/client/react";

import { ProfilePictureChangedDocument } from "../api/operations.generated.ts";

/** The service accepts up to this number of ids. */
const MAX_USER_COUNT = 500;

/** Follows changes of the users' pictures. Errors are ignored here, because the polling queries show them. */
export function usePictureChanges(userIds: readonly string[]): void {
  useSubscription(ProfilePictureChangedDocument, {
    variables: { userIds: userIds.slice(0, MAX_USER_COUNT) },
    skip: userIds.length === 0,
    ignoreResults: true,
  });
}
