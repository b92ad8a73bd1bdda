import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { env, execPath } from "node:process";
import { temporaryFolder } from "@holdfast/test-kit";
import { describe, it } from "vitest";

const GIB = 2 ** 30;
/** Of as many zero bytes. */
const KNOWN: Record<number, string> = {
  [GIB]: "sha256:49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14",
  [4 * GIB]: "sha256:8479e43911dc45e89f934fe48d01297e16f51d17aa561d4d1c216b1ae0fcddca",
};

describe("memory", () => {
  it("stays within 64 MiB of the start while a file of gigabytes is read", () => {
    const size = env["HOLDFAST_LONG"] === "1" ? 4 * GIB : GIB;
    using folder = temporaryFolder();
    const path = folder.file("zeros");
    writeFileSync(path, "");
    truncateSync(path, size);
    const script = `
      import { checksumFile } from "@holdfast/checksum";
      const startKiB = process.resourceUsage().maxRSS;
      const checksum = await checksumFile(process.argv[1]);
      const singleKiB = process.resourceUsage().maxRSS - startKiB;
      process.stdout.write(JSON.stringify({ checksum, singleKiB }));`;
    const output = execFileSync(
      execPath,
      ["--conditions=holdfast-source", "--input-type=module", "--eval", script, path],
      { cwd: import.meta.dirname, encoding: "utf8" },
    );
    const result: unknown = JSON.parse(output);
    assert.ok(typeof result === "object" && result !== null && "checksum" in result && "singleKiB" in result);
    assert.equal(result.checksum, KNOWN[size]);
    assert.ok(
      typeof result.singleKiB === "number" && result.singleKiB < 64 * 1024,
      `${String(result.singleKiB)} KiB more than at the start`,
    );
  });
});
