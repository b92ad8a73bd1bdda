/** A number in [0, 1), the next of a sequence that its seed decides. */
export type SeededRandom = () => number;

/**
 * Numbers for choosing states to look at: the same seed gives the same choices.
 *
 * @see mulberry32, by Tommy Ettinger
 */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
