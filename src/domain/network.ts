// Maps network addresses to clients.
import { isIPv6 } from "node:net";

/** Returns the key of a client. A household has one IPv4 address, but 2^64 IPv6 addresses, which count as one. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped) return mapped;
  const [head = "", tail = ""] = address.split("::");
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0);
  return [...first, ...zeros, ...last].slice(0, 4).join(":");
}

function groupsOf(part: string): number[] {
  return part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
}
