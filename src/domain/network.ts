// Maps network addresses to clients.
import { isIPv6 } from "node:net";

/**
 * Returns the key of a client. A household has one IPv4 address, but may have up to 2^72 IPv6 addresses, which share
 * their first 56 bits and count as one client. Source: RFC 6177.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped) return mapped;
  const [head = "", tail = ""] = address.split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0);
  const [a, b, c, d = 0] = [...first, ...zeros, ...last];
  return [a, b, c, d & 0xff00].map((group) => group!.toString(16)).join(":");
}

function groupsOf(part: string): number[] {
  return part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
}
