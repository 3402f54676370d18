// The page: a welcome for strangers, one's own picture and everybody else's for people who are signed in.
import { useEffect } from "react";

import { useApolloClient, useQuery } from "@apollo/client/react";

import { SignIn } from "./account/SignIn.tsx";
import { Welcome } from "./account/Welcome.tsx";
import { MeDocument, type OwnPictureFragment } from "./api/operations.generated.ts";
import { toServiceError } from "./api/errors.ts";
import { ErrorNote } from "./ErrorNote.tsx";
import logo from "./logo.svg";
import { People } from "./people/People.tsx";
import { MyPicture } from "./picture/MyPicture.tsx";
import { ProfilePicture } from "./picture/ProfilePicture.tsx";
import { session, useToken } from "./session.ts";

export function App() {
  const token = useToken();
  return token ? <SignedIn key={token} /> : <SignedOut />;
}

function SignedOut() {
  return (
    <Frame>
      <main className="welcome">
        <Welcome />
        <SignIn />
      </main>
    </Frame>
  );
}

function SignedIn() {
  const client = useApolloClient();
  const { data, error, refetch } = useQuery(MeDocument);
  const me = data?.me;
  const isGone = data !== undefined && !me; // The account, while its token still holds.
  useEffect(() => {
    scrollTo(0, 0); // The form may have been further down.
  }, []);
  useEffect(() => {
    if (isGone) session.end();
    return () => void client.clearStore(); // Of what one person was shown, the next one sees nothing.
  }, [client, isGone]);
  return (
    <Frame me={me}>
      <main className="home">
        {error && !me && <ErrorNote error={toServiceError(error)} onRetry={() => void refetch()} />}
        {me && <MyPicture me={me} />}
        {!me && !error && <section className="card mine empty" aria-busy aria-label="Your picture" />}
        <People meId={me?.id ?? null} />
      </main>
    </Frame>
  );
}

function Frame({ me, children }: { me?: OwnPictureFragment | null | undefined; children: React.ReactNode }) {
  return (
    <>
      <header>
        <a className="brand" href="/">
          <img src={logo} alt="" width="32" height="32" />
          LetsApp
        </a>
        {me && (
          <div className="account">
            <ProfilePicture user={me} sizePx={32} alt="" />
            <bdi className="name">{me.username}</bdi>
            <button type="button" className="quiet" onClick={() => session.end()}>
              Sign out
            </button>
          </div>
        )}
      </header>
      {children}
      <footer>
        <p>
          JPG, PNG and GIF up to 800 KB. Where and with what a photo was taken is removed before anyone sees
          it.
        </p>
        <a href="/playground">API playground</a>
      </footer>
    </>
  );
}
