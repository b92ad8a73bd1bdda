// Compares canonicalJson() with the independent implementation beside it on random doubles (any 64 bits) and random texts:
//   node --conditions=holdfast-source packages/idempotency/test/compare-millions.ts [count, default 10000000] [seed]
// Prints one line and ends with 1 at the first difference.
import { argv, exit, stdout } from "node:process";
import { canonicalJson } from "../src/canonical-json.ts";
import { referenceNumber, referenceText } from "./reference-canonical-json.ts";

const count = Number(argv[2] ?? 10_000_000);
const seed = Number(argv[3] ?? 1);

/** SplitMix-like 32-bit generator: the same seed compares the same values. */
let state = seed >>> 0;
function next(): number {
  state = (state + 0x9e_37_79_b9) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 16), 0x21_f0_aa_ad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x73_5a_2d_97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

const words = new Uint32Array(2);
const doubles = new Float64Array(words.buffer);

function randomDouble(): number {
  do {
    words[0] = next();
    words[1] = next();
  } while (!Number.isFinite(doubles[0]));
  return doubles[0] ?? 0;
}

/** Short texts of every kind of character: controls, ASCII, the rest of the first plane, pairs. */
function randomText(): string {
  let text = "";
  for (let left = next() % 10; left > 0; left -= 1) {
    const kind = next() % 4;
    if (kind === 0) text += String.fromCharCode(next() % 32);
    else if (kind === 1) text += String.fromCharCode(32 + (next() % 96));
    else if (kind === 2) {
      const unit = next() % (0x1_00_00 - 0x8_00);
      text += String.fromCharCode(unit < 0xd8_00 ? unit : unit + 0x8_00);
    } else text += String.fromCodePoint(0x1_00_00 + (next() % 0x10_00_00));
  }
  return text;
}

function compare(what: string, value: unknown, expected: string): void {
  const actual = canonicalJson(value);
  if (actual === expected) return;
  stdout.write(`difference in ${what}: ${actual} is not ${expected} (seed ${seed})\n`);
  exit(1);
}

const startedAt = performance.now();
for (let i = 0; i < count; i += 1) {
  const number = randomDouble();
  compare("a number", number, referenceNumber(number));
  const text = randomText();
  compare("a text", text, referenceText(text));
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
stdout.write(`${count} doubles and ${count} texts compared in ${seconds} s, seed ${seed}: no difference\n`);
