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

describe("an address", () => {
  it.each([
    ["the same", "203.0.113.7", "203.0.113.7", "RATE_LIMITED"],
    ["another IPv4 address", "203.0.113.7", "203.0.113.8", "passed"],
    ["the same, mapped to IPv6", "203.0.113.7", "::ffff:203.0.113.7", "RATE_LIMITED"],
    ["another one of the same IPv6 network", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "RATE_LIMITED"],
    ["the same IPv6 network, spelled out", "2001:db8::1", "2001:0db8:0:0:1:2:3:4", "RATE_LIMITED"],
    ["another IPv6 network", "2001:db8:1:2::1", "2001:db8:1:3::1", "passed"],
    ["another short IPv6 network", "::1", "2001::1", "passed"],
  ])("that is %s as one before is counted as it should", async (_what, first, second, expected) => {
    const limits = new RateLimits(
      { uploadsPerMinute: 5, signInsPerMinute: 1 },
      (options) => new RateLimiterMemory(options),
    );

    await attempt(limits, first, "ada");

    expect(await attempt(limits, second, "grace")).toBe(expected);
  });
});

describe("an account", () => {
  it("is the same in either case", async () => {
    const limits = new RateLimits(
      { uploadsPerMinute: 5, signInsPerMinute: 1 },
      (options) => new RateLimiterMemory(options),
    );

    await attempt(limits, "203.0.113.1", "Ada@Example.com");

    expect(await attempt(limits, "203.0.113.2", "ada@example.COM")).toBe("RATE_LIMITED");
  });
});
