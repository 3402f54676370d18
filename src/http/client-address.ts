// Finds the address of the client behind trusted proxies, by the same rules as the web framework.
import type { IncomingMessage } from "node:http";

import proxyAddress from "@fastify/proxy-addr";

/** @param trustProxy addresses of the proxies whose `X-Forwarded-For` is trusted; false when there are none */
export function clientAddressReader(
  trustProxy: readonly string[] | false,
): (request: IncomingMessage) => string {
  if (!trustProxy) return ({ socket }) => socket.remoteAddress ?? "";
  const isTrusted = proxyAddress.compile([...trustProxy]);
  return (request) => proxyAddress(request, isTrusted) ?? "";
}
