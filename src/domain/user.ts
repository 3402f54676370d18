// A person of LetsApp, as the services know them. The record behind it is `database/user.model.ts`.
import type { MediaId, UserId } from "./ids.ts";

export interface User {
  id: UserId;
  username: string;
  email: string;
  /** The media that is the user's profile picture now. */
  profilePictureId: MediaId | null;
  createdAt: Date;
}

/** A user with what a sign-in is checked against. It never leaves the account service. */
export interface UserCredentials {
  user: User;
  passwordHash: string;
}

export interface NewUser {
  username: string;
  email: string;
  passwordHash: string;
}
