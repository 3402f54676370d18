// Checks a command that times out right after it was sent, as in a virtual machine that was paused. Its answer is still
// to come, so no other command may use its connection.
import { createRequire } from "node:module";

import { expect, it, vi } from "vitest";

import "../../../src/database/driver-fix.ts";

const { Connection } = createRequire(import.meta.url)("mongodb/lib/cmap/connection.js") as {
  Connection: { prototype: object };
};

/** A driver connection that sends a command and then has `remainingTimeMS` left for the answer. */
function givenConnection(remainingTimeMS: number) {
  const connection = Object.assign(Object.create(Connection.prototype) as object, {
    error: null,
    description: {},
    socket: { setTimeout() {} },
    writeCommand: () => Promise.resolve(),
    onError: vi.fn<(error: unknown) => void>(),
  }) as unknown as { onError: (error: unknown) => void; sendWire: (...args: unknown[]) => AsyncGenerator };
  Object.defineProperty(connection, "closed", { value: false });
  const timeoutContext = {
    csotEnabled: () => true,
    getSocketTimeoutMS: () => 0,
    minRoundTripTime: 2,
    remainingTimeMS,
  };
  return { connection, send: () => connection.sendWire({}, { timeoutContext }).next() };
}

it("closes the connection whose answer was not read", async () => {
  const { connection, send } = givenConnection(0);

  await expect(send()).rejects.toThrow("Server roundtrip time is greater than the time remaining");

  expect(connection.onError).toHaveBeenCalledOnce();
});
