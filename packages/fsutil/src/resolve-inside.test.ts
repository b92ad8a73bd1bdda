import { strict as assert } from "node:assert";
import * as fs from "node:fs";
import { join, sep } from "node:path";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeFifo } from "../test/fifo.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { openInside, openInsideSync } from "./open-inside.ts";
import { resolveInside, resolveInsideSync } from "./resolve-inside.ts";

const temporaryFolder = temporaryFolders();
// The same without the walk by descriptors, as on systems without /proc.
const byName = { ...nodeFileSystem };

/** A root with friendly and hostile names in it, and secrets around it. */
function hostileRoot(): { root: string; outside: string } {
  const outside = temporaryFolder();
  const root = join(outside, "root");
  fs.mkdirSync(join(root, "sub", "deep"), { recursive: true });
  fs.mkdirSync(join(outside, "root-too"));
  fs.writeFileSync(join(outside, "root-too", "secret"), "secret");
  fs.writeFileSync(join(outside, "secret"), "secret");
  fs.writeFileSync(join(root, "file"), "inside");
  fs.writeFileSync(join(root, "sub", "file"), "inside sub");
  const links: Record<string, string> = {
    "to-file": "file",
    "to-sub": "sub",
    "sub/up": "../file",
    around: "../root/sub",
    "absolute-in": join(root, "file"),
    out: "../secret",
    "out-folder": "..",
    "out-sibling": "../root-too",
    "out-absolute": "/etc",
    dangling: "nothing",
    "dangling-out": "../nothing",
    loop: "loop",
    "loop-a": "loop-b",
    "loop-b": "loop-a",
    chain: "out-folder",
  };
  for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, join(root, name));
  return { root, outside };
}

const escapes = [
  "",
  "/",
  "/etc/passwd",
  "..",
  "../secret",
  "sub/../../secret",
  "sub/..",
  "./../secret",
  "a/../b",
  "file\0",
  "\0",
  "sub\0/../x",
  "out",
  "out-folder/secret",
  "out-folder/root/file",
  "out-sibling/secret",
  "out-absolute/passwd",
  "out-absolute",
  "chain/secret",
  "dangling",
  "dangling/x",
  "dangling-out",
  "loop",
  "loop-a/x",
  "to-sub/../file",
];

function answerOf(act: () => string): string {
  try {
    return act();
  } catch (error) {
    return String(error);
  }
}

describe("resolveInside()", () => {
  it("gives the real path of what is inside, also through symlinks that stay, also of what is not there yet", async () => {
    const { root } = hostileRoot();
    const cases: Record<string, string> = {
      file: "file",
      "./sub//file": "sub/file",
      ".": "",
      "sub/": "sub",
      "to-file": "file",
      "to-sub/file": "sub/file",
      "to-sub/up": "file",
      "around/file": "sub/file",
      "absolute-in": "file",
      "new": "new",
      "to-sub/new/deeper": "sub/new/deeper",
      "..file": "..file",
      "sub/...": "sub/...",
      "back\\slash": "back\\slash",
    };
    for (const [relative, real] of Object.entries(cases)) {
      expect(await resolveInside(root, relative)).toBe(join(root, real));
      // A root that is itself reached through a symlink is fine.
      expect(resolveInsideSync(join(root, "around", "..", "..", "root"), relative)).toBe(join(root, real));
    }
  });

  it("answers as it does part by part, where two calls tell", () => {
    const { root } = hostileRoot();
    const names = [
      ...fs.readdirSync(root),
      "sub/file",
      "sub/new",
      "to-sub/file",
      "file/x",
      "new/x",
      "sub/up/x",
    ];
    let quick = 0;
    for (const relative of [...escapes, ...names]) {
      const asked: string[] = [];
      const realpathSync = (path: string): string => {
        asked.push(path);
        return nodeFileSystem.realpathSync(path);
      };
      // The first question fails: what follows goes part by part.
      const refuseFirst = (path: string): string => {
        if (asked.push(path) === 1) throw new Error("not this way");
        return nodeFileSystem.realpathSync(path);
      };
      const plain = answerOf(() =>
        resolveInsideSync(root, relative, { fileSystem: { ...nodeFileSystem, realpathSync } }),
      );
      if (asked.length === 1) quick += 1;
      asked.length = 0;
      const careful = answerOf(() =>
        resolveInsideSync(root, relative, { fileSystem: { ...nodeFileSystem, realpathSync: refuseFirst } }),
      );
      expect(plain).toEqual(careful);
    }
    expect(quick).toBeGreaterThan(3);
  });

  it.each(escapes)("refuses %j with PATH_ESCAPE", async (relative) => {
    const { root } = hostileRoot();
    await expect(resolveInside(root, relative)).rejects.toMatchObject({
      code: "PATH_ESCAPE",
      name: "PathEscapeError",
      path: relative,
    });
    for (const fileSystem of [nodeFileSystem, byName]) {
      for (const mode of ["read", "append", "create", "update"] as const) {
        await expect(openInside(root, relative, mode, { fileSystem })).rejects.toMatchObject({
          code: "PATH_ESCAPE",
        });
      }
    }
    expect(fs.readdirSync(join(root, "..")).toSorted()).toEqual(["root", "root-too", "secret"]);
  });

  it("says that the root is missing, and that a file stands where a folder should", async () => {
    const { root } = hostileRoot();
    await expect(resolveInside(join(root, "none"), "a")).rejects.toMatchObject({ code: "FILE_MISSING" });
    await expect(openInside(root, "file/x", "read")).rejects.toMatchObject({
      code: "FILE_IO",
    });
  });

  it("never answers with a path outside, whatever the parts", () => {
    const { root } = hostileRoot();
    const names = [
      ...fs.readdirSync(root),
      "..",
      ".",
      "",
      "x",
      "file\0",
      "up",
      "etc",
      "passwd",
      "secret",
      "deep",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 5 }), (parts) => {
        const relative = parts.join("/");
        let real: string;
        try {
          real = resolveInsideSync(root, relative);
        } catch (error) {
          assert.ok(
            error instanceof Error &&
              "code" in error &&
              /^(?:PATH_ESCAPE|FILE_IO)$/u.test(String(error.code)),
            String(error),
          );
          return;
        }
        assert.ok(real === root || real.startsWith(root + sep), real);
        // Nothing on the way is a symlink: what exists is exactly itself.
        let at = real;
        while (!fs.existsSync(at)) at = join(at, "..");
        assert.equal(fs.realpathSync(at), at);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe.each([
  ["by descriptors", nodeFileSystem],
  ["by name", byName],
])("openInside() %s", (_, fileSystem) => {
  it("opens what is inside, for reading, changing and making", async () => {
    const { root } = hostileRoot();
    const buffer = new Uint8Array(100);
    const file = await openInside(root, "to-sub/up", "read", { fileSystem });
    expect(file.path).toBe(join(root, "file"));
    expect(Buffer.from(buffer.subarray(0, file.readSync(buffer, 0))).toString()).toBe("inside");
    file.closeSync();
    const made = openInsideSync(root, "to-sub/made", "create", { fileSystem, permissions: 0o640 });
    made.writeSync(Buffer.from("new"), 0);
    made.closeSync();
    expect(fs.readFileSync(join(root, "sub", "made"), "utf8")).toBe("new");
    expect(fs.statSync(join(root, "sub", "made")).mode & 0o777).toBe(0o640);
    await expect(openInside(root, "sub/made", "create", { fileSystem })).rejects.toMatchObject({
      code: "FILE_EXISTS",
    });
    await expect(openInside(root, "none", "read", { fileSystem })).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
    await expect(openInside(root, "none/x", "append", { fileSystem })).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
  });

  it("refuses folders, FIFOs and sockets at once", async () => {
    const { root } = hostileRoot();
    makeFifo(join(root, "fifo"));
    for (const [path, mode] of [
      ["sub", "read"],
      [".", "read"],
      ["fifo", "read"],
      ["fifo", "update"],
      ["fifo", "append"],
      ["sub", "append"],
    ] as const) {
      await expect(openInside(root, path, mode, { fileSystem })).rejects.toMatchObject({
        code: "FILE_UNREADABLE",
      });
    }
  });

  it("never gives a file outside while somebody swaps folder and file for symlinks", async () => {
    const { root, outside } = hostileRoot();
    fs.mkdirSync(join(outside, "elsewhere"));
    for (const name of ["elsewhere", "root/sub"])
      fs.writeFileSync(join(outside, name, "target"), name === "elsewhere" ? "secret" : "inside");
    // A process that exchanges sub and sub/target for links to the outside as fast as it can.
    const swapper = `
      const fs = require("node:fs"), root = process.argv[1];
      for (;;) {
        fs.renameSync(root + "/sub", root + "/kept"); fs.symlinkSync("../elsewhere", root + "/sub");
        fs.unlinkSync(root + "/sub"); fs.renameSync(root + "/kept", root + "/sub");
        fs.renameSync(root + "/sub/target", root + "/sub/kept"); fs.symlinkSync("../../secret", root + "/sub/target");
        fs.renameSync(root + "/sub/kept", root + "/sub/target");
      }`;
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, ["-e", swapper, root], { stdio: "ignore" });
    const seen = new Map<string, number>();
    const buffer = new Uint8Array(100);
    try {
      const end = performance.now() + 400;
      while (performance.now() < end) {
        let outcome: string;
        try {
          const file = openInsideSync(root, "sub/target", "read", { fileSystem });
          outcome = Buffer.from(buffer.subarray(0, file.readSync(buffer, 0))).toString();
          file.closeSync();
        } catch (error) {
          assert.ok(error instanceof Error && "code" in error, String(error));
          outcome = String(error.code);
        }
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
    } finally {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("close", resolve));
    }
    for (const outcome of seen.keys()) expect(["inside", "PATH_ESCAPE", "FILE_MISSING"]).toContain(outcome);
    expect(seen.get("inside")).toBeGreaterThan(0);
    expect(seen.get("PATH_ESCAPE")).toBeGreaterThan(0);
  });
});
