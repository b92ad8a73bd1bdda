/** A number in [0, 1), the next of a sequence. */
export type Random = () => number;

/** Bytes that were damaged, and how. */
export interface Damaged {
  readonly bytes: Buffer;
  /** The kind of damage and where it begins, for who wants to see it again. */
  readonly what: string;
  /** Whether it is a single bit, a single byte or a cut: what happens to files by itself. */
  readonly isSimple: boolean;
}

type Damage = (bytes: Buffer, random: Random) => Omit<Damaged, "isSimple"> | undefined;

/** Texts that readers are known to stumble over. In the place of a value, or between two. */
const SPECIAL = [
  '{"__proto__":{"polluted":true}}',
  '"__proto__":1,',
  '"constructor":{"prototype":{}},',
  "1e999",
  "-1e999",
  "9007199254740993",
  "-0",
  "1E400",
  '"\\ud800"',
  '"\\udc00\\ud800"',
  "\u2028",
  '"\u2028\u2029"',
  "\uFEFF",
  "\r\n",
  "\n",
  "\n\n",
  "\0",
  "null",
  "true",
  "[]",
  "{}",
  '""',
  "[".repeat(200),
  '"schema":"holdfast/other/v1",',
  "/v2",
  "NaN",
  "${HOME}",
  "&a [*a]",
  "../../etc/passwd",
  "%00%2e%2e",
];

const below = (random: Random, end: number): number => Math.floor(random() * end);

function pick<T>(random: Random, list: readonly T[]): T {
  const one = list[below(random, list.length)];
  if (one === undefined) throw new RangeError("nothing to pick from");
  return one;
}

/** Puts other bytes in the place of some. */
function spliced(bytes: Buffer, at: number, length: number, text: Buffer | string): Buffer {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(text), bytes.subarray(at + length)]);
}

function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(random, 256)));
}

/** The lines of a file with their newlines. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    lines.push(bytes.subarray(start, end));
    start = end;
  }
  return lines;
}

const flipBit: Damage = (bytes, random) => {
  const at = below(random, bytes.length);
  const bit = below(random, 8);
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ (1 << bit), at);
  return { bytes: changed, what: `bit ${bit} of byte ${at} flipped` };
};

const otherByte: Damage = (bytes, random) => {
  const at = below(random, bytes.length);
  const changed = Buffer.from(bytes);
  // As often a character that texts are made of as any byte.
  changed.writeUInt8(random() < 0.5 ? below(random, 256) : 0x20 + below(random, 95), at);
  return { bytes: changed, what: `byte ${at} replaced` };
};

const cut: Damage = (bytes, random) => {
  const at = below(random, bytes.length);
  return { bytes: Buffer.from(bytes.subarray(0, at)), what: `cut off at byte ${at}` };
};

const cutAtLine: Damage = (bytes, random) => {
  const kept = linesOf(bytes);
  const count = below(random, kept.length);
  return { bytes: Buffer.concat(kept.slice(0, count)), what: `cut off behind line ${count}` };
};

const removed: Damage = (bytes, random) => {
  const at = below(random, bytes.length);
  const length = 1 + below(random, Math.min(200, bytes.length - at));
  return { bytes: spliced(bytes, at, length, ""), what: `${length} bytes from byte ${at} removed` };
};

const zeroed: Damage = (bytes, random) => {
  const at = below(random, bytes.length);
  const length = 1 + below(random, Math.min(512, bytes.length - at));
  return {
    bytes: Buffer.from(bytes).fill(0, at, at + length),
    what: `${length} bytes from byte ${at} zeroed`,
  };
};

const garbage: Damage = (bytes, random) => {
  const at = below(random, bytes.length + 1);
  const more = randomBytes(random, 1 + below(random, 40));
  return { bytes: spliced(bytes, at, 0, more), what: `${more.length} bytes of garbage at byte ${at}` };
};

const special: Damage = (bytes, random) => {
  const text = pick(random, SPECIAL);
  const at = below(random, bytes.length + 1);
  return { bytes: spliced(bytes, at, 0, text), what: `${JSON.stringify(text)} inserted at byte ${at}` };
};

/** Puts something else in the place of a whole value: what a reader meets behind its parser. */
const otherValue: Damage = (bytes, random) => {
  const text = bytes.toString("latin1");
  const values = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null/g)];
  if (values.length === 0) return undefined;
  const value = pick(random, values);
  const other = random() < 0.5 ? pick(random, values)[0] : pick(random, SPECIAL);
  const replaced = spliced(bytes, value.index, value[0].length, Buffer.from(other, "utf8"));
  return { bytes: replaced, what: `${JSON.stringify(other)} in the place of what is at byte ${value.index}` };
};

const withLines =
  (
    what: string,
    change: (lines: readonly Buffer[], at: number, random: Random) => readonly Buffer[],
  ): Damage =>
  (bytes, random) => {
    const lines = linesOf(bytes);
    const at = below(random, lines.length);
    return { bytes: Buffer.concat(change(lines, at, random)), what: `line ${at + 1} ${what}` };
  };

const doubledLine = withLines("doubled", (lines, at) => lines.toSpliced(at, 0, ...lines.slice(at, at + 1)));
const removedLine = withLines("removed", (lines, at) => lines.toSpliced(at, 1));
const swappedLines = withLines("swapped with another", (lines, at, random) => {
  const other = below(random, lines.length);
  const [a, b] = [lines[at], lines[other]];
  return a === undefined || b === undefined ? lines : lines.with(at, b).with(other, a);
});

const tail: Damage = (bytes, random) => {
  const more = pick(random, [
    () => randomBytes(random, 1 + below(random, 300)),
    () => Buffer.alloc(1 + below(random, 4_096)),
    () => pick(random, linesOf(bytes)),
    () => Buffer.from(bytes.subarray(below(random, bytes.length))),
    () => Buffer.from(pick(random, SPECIAL)),
    () => Buffer.from(`{"half": "of a li`),
  ])();
  return { bytes: Buffer.concat([bytes, more]), what: `${more.length} bytes appended` };
};

/** Each as often as it stands here. */
const DAMAGES: readonly Damage[] = [
  ...Array.from({ length: 8 }, () => flipBit),
  ...Array.from({ length: 3 }, () => cut),
  ...Array.from({ length: 2 }, () => otherValue),
  otherByte,
  cutAtLine,
  removed,
  zeroed,
  garbage,
  special,
  doubledLine,
  removedLine,
  swappedLines,
  tail,
];

const SIMPLE: ReadonlySet<Damage> = new Set([flipBit, otherByte, cut, cutAtLine]);

/** Damages bytes in one of the ways in which files are damaged; what comes out is never what went in. */
export function damage(bytes: Buffer, random: Random): Damaged {
  for (;;) {
    const way = pick(random, DAMAGES);
    const damaged = way(bytes, random);
    if (damaged !== undefined && !damaged.bytes.equals(bytes))
      return { ...damaged, isSimple: SIMPLE.has(way) };
  }
}

/** Numbers that a seed decides (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
