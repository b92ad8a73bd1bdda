import type { Random } from "../state/random.ts";

/**
 * A small world: everybody stands on a ring and knows the nearest, and some of these contacts are with anybody instead.
 *
 * @param size - People, from 1.
 * @returns For each person the ids of their contacts, ascending; contacts are mutual.
 * @see Watts and Strogatz, Collective dynamics of small-world networks (1998)
 */
export function contactNetwork(
  size: number,
  options: { readonly contacts: number; readonly rewiring: number },
  random: Random,
): readonly (readonly number[])[] {
  const known = Array.from({ length: size }, () => new Set<number>());
  const half = Math.min(Math.floor(options.contacts / 2), Math.floor((size - 1) / 2));
  const meet = (a: number, b: number): void => {
    known[a]?.add(b);
    known[b]?.add(a);
  };
  for (let step = 1; step <= half; step += 1) {
    for (let person = 0; person < size; person += 1) {
      let other = (person + step) % size;
      if (random() < options.rewiring) {
        const drawn = random.int(0, size - 1);
        if (drawn !== person && known[person]?.has(drawn) !== true) other = drawn;
      }
      meet(person, other);
    }
  }
  return known.map((contacts) => [...contacts].toSorted((a, b) => a - b));
}
