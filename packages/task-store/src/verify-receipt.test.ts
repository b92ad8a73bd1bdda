import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checksumBytes } from "@holdfast/checksum";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { artifact, receipt } from "../test/receipts.ts";
import { type ReceiptFinding, verifyReceipt, verifyReceipts } from "./index.ts";

let folder = "";
let workspace = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "holdfast-task-store-"));
  workspace = join(folder, "workspace");
  mkdirSync(join(workspace, "src"), { recursive: true });
  writeFileSync(join(folder, "secret"), "outside");
});

afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string, content: string): void => writeFileSync(join(workspace, path), content);
const kinds = (findings: readonly ReceiptFinding[]): [string, string][] =>
  findings.map(({ path, kind }) => [path, kind]);

async function kindOf(path: string, content = "x"): Promise<string> {
  const findings = await verifyReceipt(receipt(1, { artifacts: [artifact(path, content)] }), workspace);
  return findings[0]?.kind ?? "fine";
}

describe("verifyReceipt()", () => {
  it("finds nothing where nothing changed, and names what did with both checksums", async () => {
    write("src/a", "one");
    write("src/b", "two");
    const mine = receipt(3, {
      artifacts: [artifact("src/a", "one"), artifact("src/b", "two"), artifact("src/c", "three")],
    });
    write("src/c", "three");
    expect(await verifyReceipt(mine, workspace)).toEqual([]);
    write("src/b", "TWO");
    rmSync(join(workspace, "src/c"));
    const findings = await verifyReceipt(mine, workspace);
    expect(kinds(findings)).toEqual([
      ["src/b", "changed"],
      ["src/c", "missing"],
    ]);
    const { sha256, size } = artifact("src/b", "two");
    expect(findings[0]).toMatchObject({
      taskId: "T-0042",
      step: 3,
      expected: { sha256, size },
      actual: { sha256: artifact("", "TWO").sha256, size: 3 },
    });
  });

  it("finds any change of any file, and only those", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20 }), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        async (files, n, bit) => {
          const artifacts = files.map((bytes, index) => {
            writeFileSync(join(workspace, `f${index}`), bytes);
            return { ...artifact(`f${index}`, ""), sha256: checksumBytes(bytes), size: bytes.length };
          });
          const mine = receipt(1, { artifacts });
          expect(await verifyReceipt(mine, workspace)).toEqual([]);
          const at = n % files.length;
          const changed = Buffer.from([...(files[at] ?? []), 0]);
          const byte = bit % changed.length;
          changed[byte] = changed.readUInt8(byte) ^ 1;
          writeFileSync(join(workspace, `f${at}`), changed);
          expect(kinds(await verifyReceipt(mine, workspace))).toEqual([[`f${at}`, "changed"]]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("reads a file that is larger than its buffer", async () => {
    const content = "0123456789abcdef".repeat(70_000);
    write("large", content);
    expect(await kindOf("large", content)).toBe("fine");
    write("large", `${content}.`);
    expect(await kindOf("large", content)).toBe("changed");
  });

  it.each(["../secret", "src/../../secret", "/etc/hostname", "", "src/\0", "src/.."])(
    "refuses the path %j",
    async (path) => {
      const mine = receipt(1, { artifacts: [{ ...artifact("x", "outside"), path }] });
      expect(kinds(await verifyReceipt(mine, workspace))).toEqual([[path, "escapes"]]);
    },
  );

  it("does not follow a symbolic link out of the workspace, as a file or on the way", async () => {
    symlinkSync(join(folder, "secret"), join(workspace, "link"));
    symlinkSync(folder, join(workspace, "way"));
    symlinkSync("/dev/zero", join(workspace, "zero"));
    symlinkSync("loop", join(workspace, "loop"));
    expect(await kindOf("link", "outside")).toBe("escapes");
    expect(await kindOf("way/secret", "outside")).toBe("escapes");
    expect(await kindOf("zero")).toBe("escapes");
    expect(await kindOf("loop")).toBe("escapes");
  });

  it("follows a symbolic link inside the workspace, and a workspace that is one", async () => {
    write("src/a", "one");
    symlinkSync("src", join(workspace, "inner"));
    symlinkSync(workspace, join(folder, "here"));
    expect(await kindOf("inner/a", "one")).toBe("fine");
    const mine = receipt(1, { artifacts: [artifact("src/a", "one")] });
    expect(await verifyReceipt(mine, join(folder, "here"))).toEqual([]);
  });

  it("opens nothing that is no file: no folder, no pipe; and does not wait", async () => {
    execFileSync("mkfifo", [join(workspace, "pipe")]);
    expect(await kindOf("pipe")).toBe("not_a_file");
    expect(await kindOf("src")).toBe("not_a_file");
    write("file", "x");
    expect(await kindOf("file/below")).toBe("missing");
    expect(await kindOf("n".repeat(300))).toBe("missing");
  });

  it("reports what the system refuses, where it does", async () => {
    write("locked", "x");
    chmodSync(join(workspace, "locked"), 0);
    // Root reads everything.
    expect(await kindOf("locked")).toBe(process.getuid?.() === 0 ? "fine" : "unreadable");
  });

  it("rejects with RECEIPT_WORKSPACE where there is no workspace", async () => {
    for (const path of [join(folder, "none"), join(folder, "secret")]) {
      await expect(verifyReceipt(receipt(1), path)).rejects.toMatchObject({
        code: "RECEIPT_WORKSPACE",
        path,
      });
    }
  });

  it("stops when the signal aborts", async () => {
    write("a", "x");
    const mine = receipt(1, { artifacts: [artifact("a", "x")] });
    await expect(verifyReceipt(mine, workspace, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});

describe("verifyReceipts()", () => {
  it("takes the latest step's word for a file that several name, in whatever order they come", async () => {
    write("src/a", "second");
    write("src/b", "changed");
    const first = receipt(1, { artifacts: [artifact("src/a", "first"), artifact("src/b", "first")] });
    const second = receipt(2, { artifacts: [artifact("./src/a", "second")] });
    const tenth = receipt(10, { artifacts: [artifact("src/b", "tenth")] });
    for (const receipts of [
      [first, second, tenth],
      [tenth, second, first],
    ]) {
      const findings = await verifyReceipts(receipts, workspace);
      expect(findings.map(({ path, step, kind }) => [path, step, kind])).toEqual([["src/b", 10, "changed"]]);
    }
    expect(kinds(await verifyReceipts([first], workspace))).toEqual([
      ["src/a", "changed"],
      ["src/b", "changed"],
    ]);
    expect(await verifyReceipts([], workspace)).toEqual([]);
  });
});
