import { createHash } from "node:crypto";
import * as z from "zod";

const wordSchema = z.int().min(0).max(0xffff_ffff);

/** Where a generator stands: four words of 32 bits, not all zero. */
export const randomStateSchema = z.object({
  algorithm: z.literal("xoshiro128**"),
  words: z.tuple([wordSchema, wordSchema, wordSchema, wordSchema]),
});
/** Where a generator stands. */
export type RandomState = z.output<typeof randomStateSchema>;

/** Random numbers that a seed decides. */
export interface Random {
  /** A number in [0, 1), of 53 bits. */
  (): number;
  /** A whole number from `min` to `max`, both included; both safe integers, `min <= max`. */
  int(min: number, max: number): number;
  /** One item of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
}

/**
 * A generator of random numbers: xoshiro128**, whose state fits into a checkpoint. Not for secrets.
 *
 * @see {@link https://prng.di.unimi.it/ | Blackman and Vigna: xoshiro}
 */
export class Generator {
  #words: [number, number, number, number];

  constructor(state: RandomState) {
    this.#words = [...state.words];
  }

  /** The stream that a seed and a label decide; other labels give streams that have nothing to do with it. */
  static from(seed: number, label: string): Generator {
    const hash = createHash("sha256").update(`holdfast/random/v1\n${seed}\n${label}`).digest();
    const words: RandomState["words"] = [0, 1, 2, 3].map((place) => hash.readUInt32BE(place * 4)) as never;
    return new Generator({ algorithm: "xoshiro128**", words });
  }

  /** Where it stands. */
  state(): RandomState {
    return { algorithm: "xoshiro128**", words: [...this.#words] };
  }

  /** A number in [0, 1), of 53 bits. */
  next(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  #word(): number {
    const s = this.#words;
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    for (let place = 0; place < 4; place += 1) s[place as 0] >>>= 0;
    return result;
  }
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** Numbers from whatever stream `generator` says at the moment of each call. */
export function randomOf(generator: () => Generator): Random {
  const random = (): number => generator().next();
  const int = (min: number, max: number): number => {
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min > max)
      throw new RangeError(
        `random.int() takes two whole numbers, the smaller one first, not ${min} and ${max}`,
      );
    return min + Math.floor(random() * (max - min + 1));
  };
  return Object.assign(random, {
    int,
    pick<T>(list: readonly T[]): T {
      if (list.length === 0) throw new RangeError("random.pick() takes a list that is not empty");
      return list[int(0, list.length - 1)] as T;
    },
  });
}
