// Checks `docs/letsapp.service` with systemd: the unit is valid, and gives the service few privileges.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

const isInstalled = spawnSync("systemd-analyze", ["--version"]).status === 0;
if (!isInstalled) console.log("Skipped: systemd-analyze is not installed.");

describe.skipIf(!isInstalled)("the systemd unit", () => {
  let folder: string;
  let unit: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), "letsapp-unit-"));
    unit = path.join(folder, "letsapp.service");
    // The paths of Node and of the service on this machine.
    const text = readFileSync("docs/letsapp.service", "utf8")
      .replace("/usr/bin/node", process.execPath)
      .replace("/opt/letsapp", process.cwd());
    writeFileSync(unit, text);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is valid", () => {
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", unit], { encoding: "utf8" });

    expect([status, stderr.split("\n").filter((line) => line.includes("letsapp.service"))]).toEqual([0, []]);
  });

  it("is rated as safe", () => {
    const rated = execFileSync("systemd-analyze", ["security", "--offline=true", unit], { encoding: "utf8" });

    expect(Number(/exposure level for letsapp.service: ([\d.]+)/.exec(rated)![1])).toBeLessThan(2.5);
  });
});
