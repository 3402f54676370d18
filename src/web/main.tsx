// Where the page begins.
import { StrictMode } from "react";

import { ApolloProvider } from "@apollo/client/react";
import { createRoot } from "react-dom/client";

import { createClient } from "./api/client.ts";
import { App } from "./App.tsx";
import { CrashGuard } from "./CrashGuard.tsx";
import { session } from "./session.ts";
import "./style.css";

const client = createClient({
  uri: "/graphql",
  getToken: () => session.token,
  onSignedOut: () => session.end(),
});

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <CrashGuard>
      <ApolloProvider client={client}>
        <App />
      </ApolloProvider>
    </CrashGuard>
  </StrictMode>,
);
