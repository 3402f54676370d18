// The entry point of the page: renders `App` into the document.
import { StrictMode } from "react";

import { createRoot } from "react-dom/client";

import { App } from "./App.tsx";
import { CrashGuard } from "./CrashGuard.tsx";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <CrashGuard>
      <App />
    </CrashGuard>
  </StrictMode>,
);
