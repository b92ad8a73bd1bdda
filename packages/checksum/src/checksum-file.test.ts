import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { getuid } from "node:process";
import { temporaryFolder } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { checksumBytes } from "./checksum-bytes.ts";
import { checksumFile } from "./checksum-file.ts";
import { checksumFiles } from "./checksum-files.ts";
import { ChecksumError } from "./errors.ts";
import { verifyFile } from "./verify-file.ts";

/** Node cannot make one itself. */
const MKFIFO = "mkfifo";
const MIB = 1024 * 1024;
/** Around every size at which the way of reading changes. */
const SIZES = [
  0,
  1,
  55,
  56,
  64,
  4096,
  131_071,
  131_072,
  131_073,
  MIB - 1,
  MIB,
  MIB + 1,
  3 * MIB,
  3 * MIB + 17,
];

function contents(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 31 + (i >> 8)) & 255;
  return bytes;
}

function openDescriptors(): number {
  return existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0;
}

describe("checksumFile()", () => {
  it("gives the checksum of the bytes, at every size where reading changes its way", async () => {
    using folder = temporaryFolder();
    const path = folder.file("data");
    for (const size of SIZES) {
      const bytes = contents(size);
      writeFileSync(path, bytes);
      const expected = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      assert.equal(await checksumFile(path), expected, `${size} bytes`);
      const [listed] = await checksumFiles([path]);
      assert.equal(listed?.checksum, expected);
      assert.equal(listed?.size, size);
    }
  });

  it("reports progress that only grows and ends at the size", async () => {
    using folder = temporaryFolder();
    for (const size of [0, 10, 3 * MIB + 17]) {
      const path = folder.file(`f${size}`);
      writeFileSync(path, contents(size));
      const seen: number[] = [];
      await checksumFile(path, {
        onProgress: (progress) => {
          assert.equal(progress.path, path);
          assert.equal(progress.size, size);
          seen.push(progress.bytesRead);
        },
      });
      assert.equal(seen.at(-1), size);
      assert.deepEqual(
        seen,
        seen.toSorted((a, b) => a - b),
      );
    }
  });

  it("rejects with CHECKSUM_FILE_CHANGED whatever is done to the file while it is read, and closes it", async () => {
    using folder = temporaryFolder();
    const before = openDescriptors();
    const changes: Record<string, (path: string) => void> = {
      grows: (path) => appendFileSync(path, "x"),
      shrinks: (path) => truncateSync(path, 2 * MIB),
      "shrinks to nothing": (path) => truncateSync(path, 0),
      "is overwritten in place with the same size": (path) => {
        const fd = openSync(path, "r+");
        writeSync(fd, "changed", 4 * MIB);
        closeSync(fd);
      },
      "is overwritten, and its time set back": (path) => {
        const fd = openSync(path, "r+");
        writeSync(fd, "changed", 0);
        closeSync(fd);
        utimesSync(path, 1_000_000, 1_000_000);
      },
    };
    for (const [name, change] of Object.entries(changes)) {
      const path = folder.file(name);
      writeFileSync(path, contents(6 * MIB));
      utimesSync(path, 1_000_000, 1_000_000);
      let calls = 0;
      const onProgress = (): void => {
        calls += 1;
        if (calls === 2) change(path);
      };
      await assert.rejects(checksumFile(path, { onProgress }), { code: "CHECKSUM_FILE_CHANGED", path }, name);
    }
    assert.equal(openDescriptors(), before);
  });

  it("sees a change of a small file that happens at once after the file was made", async () => {
    using folder = temporaryFolder();
    const path = folder.file("fresh");
    for (let round = 0; round < 20; round += 1) {
      writeFileSync(path, "old content");
      const checksum = checksumFile(path);
      writeFileSync(path, "new content");
      assert.equal(await checksum, checksumBytes("new content"), "the one that was there when it was read");
    }
  });

  it("refuses a folder, a FIFO, a socket, a device and a pseudo file without waiting for any", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file("folder"));
    const code = "CHECKSUM_NOT_A_FILE";
    await assert.rejects(checksumFile(folder.file("folder")), { code, message: /it is a folder/ });
    execFileSync(MKFIFO, [folder.file("fifo")]);
    await assert.rejects(checksumFile(folder.file("fifo")), { code, message: /it is a FIFO/ });
    const server = createServer().listen(folder.file("socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await assert.rejects(checksumFile(folder.file("socket")), { code });
    server.close();
    await assert.rejects(checksumFile("/dev/zero"), { code, message: /it is a device/ });
    if (existsSync("/proc/self/status")) {
      await assert.rejects(checksumFile("/proc/self/status"), { code: "CHECKSUM_FILE_CHANGED" });
    }
    const errors: ChecksumError[] = [];
    const paths = ["folder", "fifo"].map((name) => folder.file(name));
    assert.deepEqual(await checksumFiles(paths, { onError: (error) => errors.push(error) }), []);
    assert.deepEqual(
      errors.map((error) => error.code),
      [code, code],
    );
  });

  it("follows a symbolic link, or refuses it when told to", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file("data"), "abc");
    symlinkSync("data", folder.file("link"));
    symlinkSync("loop", folder.file("loop"));
    assert.equal(await checksumFile(folder.file("link")), checksumBytes("abc"));
    await assert.rejects(checksumFile(folder.file("link"), { followSymlinks: false }), {
      code: "CHECKSUM_NOT_A_FILE",
    });
    await assert.rejects(checksumFile(folder.file("loop")), { code: "CHECKSUM_NOT_A_FILE" });
    const refused: string[] = [];
    const onError = (error: ChecksumError): void => void refused.push(error.code);
    await checksumFiles([folder.file("link")], { followSymlinks: false, onError });
    assert.deepEqual(refused, ["CHECKSUM_NOT_A_FILE"]);
  });

  it("rejects with CHECKSUM_MISSING for a file or folder that is not there, with the system's error as cause", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file("data"), "abc");
    for (const path of [folder.file("no"), folder.file("no/no"), folder.file("data/below a file")]) {
      await assert.rejects(checksumFile(path), (error) => {
        assert.ok(error instanceof ChecksumError);
        assert.equal(error.code, "CHECKSUM_MISSING");
        assert.equal(error.path, path);
        assert.ok(error.cause instanceof Error);
        return true;
      });
    }
  });

  it("rejects with CHECKSUM_IO when opening or reading fails", async () => {
    using folder = temporaryFolder();
    const long = folder.file("n".repeat(300));
    await assert.rejects(checksumFile(long), { code: "CHECKSUM_IO", message: /ENAMETOOLONG/ });
    // Reading one's own memory at address 0 is an input/output error.
    if (existsSync("/proc/self/mem"))
      await assert.rejects(checksumFile("/proc/self/mem"), { code: "CHECKSUM_IO" });
    const secret = folder.file("secret");
    writeFileSync(secret, "abc");
    chmodSync(secret, 0);
    // The superuser may read it all the same.
    if (getuid?.() !== 0)
      await assert.rejects(checksumFile(secret), { code: "CHECKSUM_IO", message: /no permission/ });
  });

  it("stops with the signal's reason, before it begins and in the middle, and closes the file", async () => {
    using folder = temporaryFolder();
    const before = openDescriptors();
    const path = folder.file("data");
    writeFileSync(path, contents(8 * MIB));
    const reason = new Error("enough");
    await assert.rejects(checksumFile(path, { signal: AbortSignal.abort(reason) }), reason);
    const controller = new AbortController();
    let last = 0;
    const onProgress = ({ bytesRead }: { bytesRead: number }): void => {
      last = bytesRead;
      controller.abort(reason);
    };
    await assert.rejects(checksumFile(path, { signal: controller.signal, onProgress }), reason);
    assert.ok(last < 8 * MIB);
    assert.equal(openDescriptors(), before);
  });

  it("rejects with what onProgress throws, and closes the file", async () => {
    using folder = temporaryFolder();
    const before = openDescriptors();
    const reason = new Error("from the caller");
    for (const size of [10, 3 * MIB]) {
      writeFileSync(folder.file("data"), contents(size));
      const onProgress = (): never => {
        throw reason;
      };
      await assert.rejects(checksumFile(folder.file("data"), { onProgress }), reason);
    }
    assert.equal(openDescriptors(), before);
  });
});

describe("verifyFile()", () => {
  it("resolves for the same contents and finds any flipped bit, with expected and actual", async () => {
    using folder = temporaryFolder();
    const path = folder.file("data");
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1 }), fc.nat(), async (bytes, at) => {
        const expected = checksumBytes(bytes);
        writeFileSync(path, bytes);
        utimesSync(path, 1, 1);
        assert.equal(await verifyFile(path, expected), expected);
        const bit = at % (bytes.length * 8);
        const flipped = bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        writeFileSync(path, flipped);
        const actual = checksumBytes(flipped);
        await assert.rejects(verifyFile(path, expected), {
          name: "ChecksumMismatchError",
          code: "CHECKSUM_MISMATCH",
          path,
          expected,
          actual,
        });
      }),
      { numRuns: 25 },
    );
  });

  it("rejects with CHECKSUM_FORMAT before it looks at the file", async () => {
    await assert.rejects(verifyFile("/no/such/file", "sha256:123"), { code: "CHECKSUM_FORMAT" });
  });
});
