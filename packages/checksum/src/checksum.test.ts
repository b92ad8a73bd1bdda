import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { CHECKSUM_PATTERN, isChecksum, parseChecksum } from "./checksum.ts";
import { checksumBytes } from "./checksum-bytes.ts";
import { ChecksumError } from "./errors.ts";

const EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

describe("parseChecksum()", () => {
  it("takes what checksumBytes() gives, unchanged", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const checksum = checksumBytes(bytes);
        assert.equal(parseChecksum(checksum), checksum);
        assert.ok(isChecksum(checksum));
        assert.match(checksum, CHECKSUM_PATTERN);
      }),
    );
  });

  it("refuses every checksum with one character changed to what cannot be in it, removed or added", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: EMPTY.length - 1 }),
        fc.constantFrom("G", "A", "é", " ", "\n", "g", "-"),
        (at, wrong) => {
          for (const text of [
            EMPTY.slice(0, at) + wrong + EMPTY.slice(at + 1),
            EMPTY.slice(0, at) + EMPTY.slice(at + 1),
            EMPTY.slice(0, at) + wrong + EMPTY.slice(at),
            `${EMPTY}${wrong}`,
          ]) {
            assert.equal(isChecksum(text), false);
            assert.throws(() => parseChecksum(text), { name: "ChecksumError", code: "CHECKSUM_FORMAT" });
          }
        },
      ),
    );
  });

  it("says what is wrong", () => {
    const hex = EMPTY.slice(7);
    const faults: [string, RegExp][] = [
      [`${EMPTY}\n`, /spaces or line ends/],
      [`sha256:${hex.toUpperCase()}`, /lowercase/],
      [hex, /write "sha256:" before it/],
      [`md5:${hex}`, /algorithm "md5" is not known/],
      ["", /must be "sha256:" and 64/],
      ["x".repeat(10_000), /"x{100}\.\.\."/],
    ];
    for (const [text, message] of faults) assert.throws(() => parseChecksum(text), { message });
  });

  it("refuses what is not a text, as isChecksum() does", () => {
    for (const value of [undefined, null, 1, {}, [EMPTY], new String(EMPTY)]) {
      assert.equal(isChecksum(value), false);
      // @ts-expect-error a caller without types
      assert.throws(() => parseChecksum(value), ChecksumError);
    }
  });
});

describe("checksumBytes()", () => {
  it("gives the digests of FIPS 180-4's examples", () => {
    assert.equal(checksumBytes(""), EMPTY);
    assert.equal(checksumBytes(new Uint8Array()), EMPTY);
    assert.equal(
      checksumBytes("abc"),
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    assert.equal(
      checksumBytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
      "sha256:248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    assert.equal(
      checksumBytes(Buffer.alloc(1_000_000, "a")),
      "sha256:cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    );
  });

  it("takes a text as its UTF-8, and a part of a buffer as that part", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const bytes = new TextEncoder().encode(text);
        assert.equal(checksumBytes(text), checksumBytes(bytes));
        const wrapped = new Uint8Array([1, ...bytes, 2]);
        assert.equal(checksumBytes(wrapped.subarray(1, -1)), checksumBytes(bytes));
      }),
    );
  });

  it("refuses a lone surrogate, which another text would share its checksum with", () => {
    assert.throws(() => checksumBytes("a\ud800"), { name: "TypeError", message: /lone surrogate/ });
    assert.equal(checksumBytes("\u{1f600}"), checksumBytes(Buffer.from("f09f9880", "hex")));
  });
});
