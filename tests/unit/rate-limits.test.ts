import { RateLimiterMemory } from "rate-limiter-flexible";
import { describe, expect, it } from "vitest";

import { networkOf } from "../../src/domain/network.ts";
import { RateLimits } from "../../src/services/rate-limits.ts";

const attempt = async (limits: RateLimits, address: string, account: string) => {
  try {
    await limits.consumeNetwork(networkOf(address));
    await limits.consumeAccount(account);
    return "passed";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("attempts from a network address", () => {
  it.each([
    ["the same address", "203.0.113.7", "203.0.113.7", "RATE_LIMITED"],
    ["another IPv4 address", "203.0.113.7", "203.0.113.8", "passed"],
    ["the same address, mapped to IPv6", "203.0.113.7", "::ffff:203.0.113.7", "RATE_LIMITED"],
    ["another address of the same IPv6 network", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "RATE_LIMITED"],
    [
      "another address of a short IPv6 network, written in full",
      "2001:db8::1",
      "2001:0db8:0:0:1:2:3:4",
      "RATE_LIMITED",
    ],
    ["another subnet of the same household", "2001:db8:1:200::1", "2001:db8:1:2ff::1", "RATE_LIMITED"],
    ["another IPv6 network", "2001:db8:1:200::1", "2001:db8:1:300::1", "passed"],
    ["another short IPv6 network", "::1", "2001::1", "passed"],
  ])("%s: after an attempt from %s, one from %s is %s", async (_what, first, second, expected) => {
    const limits = new RateLimits(
      { uploadsPerMinute: 5, signInsPerMinute: 1 },
      (options) => new RateLimiterMemory(options),
    );

    await attempt(limits, first, "ada");

    expect(await attempt(limits, second, "grace")).toBe(expected);
  });
});

describe("attempts on an account", () => {
  it("are counted together, whatever the case of its letters", async () => {
    const limits = new RateLimits(
      { uploadsPerMinute: 5, signInsPerMinute: 1 },
      (options) => new RateLimiterMemory(options),
    );

    await attempt(limits, "203.0.113.1", "Ada@Example.com");

    expect(await attempt(limits, "203.0.113.2", "ada@example.COM")).toBe("RATE_LIMITED");
  });
});
