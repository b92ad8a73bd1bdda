import assert from "node:assert/strict";
import { fileStore } from "@holdfast/storage";

/** What `write-store.ts` said. */
export class AcknowledgedWrites {
  count = 0;
  /** The code with which it ended. */
  ended = "";
  newest = 0;
  readonly #documents = new Map<string, number>();
  readonly #lines = new Map<number, number>();
  readonly #objects = new Set<string>();

  hear(line: string): void {
    const [what = "", of = "", n] = line.split(" ");
    if (what === "ended") this.ended = of;
    else if (what === "document") this.#documents.set(of, Number(n));
    else if (what === "lines") this.#lines.set(Number(of), Number(n));
    else if (what === "object") this.#objects.add(of);
    else throw new Error(`the writer says "${line}"`);
    if (what === "ended") return;
    this.count++;
    this.newest = Math.max(this.newest, Number(n));
  }

  /** Everything that was acknowledged is there and whole. `isAtRest`: nothing may be left of what was not. */
  async assertThere(root: string, isAtRest = true): Promise<void> {
    await using store = fileStore(root, { rotateBytes: 16_384 });
    const findings = await store.check();
    assert.deepEqual(
      findings.filter(({ severity }) => severity === "error"),
      [],
    );
    for (const [of, n] of this.#documents) {
      const found = (await store.documents.get(`runs/r-${of}/run`))?.value;
      const there = typeof found === "object" && found !== null && "n" in found ? Number(found["n"]) : 0;
      assert.ok(there >= n, `document ${of} was acknowledged with ${n}, and has ${there}`);
    }
    const texts = (await Array.fromAsync(store.logs.read("runs/r/ledger"))).map(({ text }) => text);
    for (const [position, n] of this.#lines)
      for (const [at, id] of [`"a-${n}"`, `"b-${n}"`].entries())
        assert.ok(
          texts[position - 2 + at]?.includes(id),
          `line ${position - 1 + at} was acknowledged as ${id}, and is ${texts[position - 2 + at]}; ${id} is line ${texts.findIndex((text) => text.includes(id)) + 1} of ${texts.length}`,
        );
    for (const checksum of this.#objects)
      assert.ok(await store.objects.has(checksum), `${checksum} was acknowledged`);
    if (!isAtRest) return;
    await store.repair();
    assert.deepEqual(await store.check(), []);
  }
}
