import assert from "node:assert/strict";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { checksumBytes } from "./checksum-bytes.ts";
import { checksumStream } from "./checksum-stream.ts";

describe("checksumStream()", () => {
  it("gives the checksum of the joined bytes, however they are cut, from any kind of source", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array()), async (pieces) => {
        const expected = checksumBytes(Buffer.concat(pieces));
        assert.equal(await checksumStream(pieces), expected);
        assert.equal(await checksumStream(Readable.from(pieces, { objectMode: true })), expected);
        assert.equal(await checksumStream(new Blob(pieces.map((piece) => piece.slice())).stream()), expected);
      }),
    );
  });

  it("refuses texts, which may be cut inside a character", async () => {
    const texts = Readable.from(["a text"]);
    await assert.rejects(checksumStream(texts), { name: "TypeError", message: /a piece is string/ });
    assert.ok(texts.destroyed);
  });

  it("rejects with what the source throws, and with the signal's reason, and closes the source", async () => {
    const reason = new Error("no more");
    let closed = 0;
    async function* source(failAt: number): AsyncGenerator<Uint8Array> {
      try {
        for (let i = 0; i < 10; i += 1) {
          await Promise.resolve();
          if (i === failAt) throw reason;
          if (i === 5) controller.abort(reason);
          yield new Uint8Array(10);
        }
      } finally {
        closed += 1;
      }
    }
    let controller = new AbortController();
    await assert.rejects(checksumStream(source(3)), reason);
    controller = new AbortController();
    await assert.rejects(checksumStream(source(20), { signal: controller.signal }), reason);
    assert.equal(closed, 2);
    await assert.rejects(checksumStream([], { signal: AbortSignal.abort(reason) }), reason);
  });
});
