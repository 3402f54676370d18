// A user of LetsApp, as the services know them. `database/user.model.ts` defines the record.
import type { MediaId, UserId } from "./ids.ts";

export interface User {
  id: UserId;
  username: string;
  email: string;
  /** The media that is the user's profile picture; null if there is none. */
  profilePictureId: MediaId | null;
  createdAt: Date;
}

/** A user with the password hash for checking a sign-in. The hash never leaves the account service. */
export interface UserCredentials {
  user: User;
  passwordHash: string;
}

export interface NewUser {
  username: string;
  email: string;
  passwordHash: string;
}
