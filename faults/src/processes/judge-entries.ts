import type { Said } from "./witness.ts";

/** What the entries into a lock came to. */
export interface Judgement {
  readonly entries: number;
  /** Holders that were killed inside, and so never left. */
  readonly diedInside: number;
  /** The longest time from the death of a holder to the next entry, in milliseconds; of those while nobody was suspended. */
  readonly longestToNext: number;
  readonly problem?: string;
}

/**
 * Judges what the processes said, in the order in which it happened.
 *
 * @param killed - When each process was killed that was, by its pid.
 * @param suspensions - When some process was suspended, from and to: whoever waited may have been asleep then.
 */
export function judgeEntries(
  said: readonly Said[],
  killed: ReadonlyMap<number, number>,
  suspensions: readonly (readonly [number, number])[] = [],
): Judgement {
  let inside: Said | undefined;
  let [entries, diedInside, longestToNext, newest] = [0, 0, 0, 0];
  const gone = new Set<number>();
  const judged = (problem?: string): Judgement => ({
    entries,
    diedInside,
    longestToNext,
    ...(problem !== undefined && { problem }),
  });
  for (const one of said) {
    const { what, token, pid, at } = one;
    if (what === "overlap")
      return judged(`process ${pid} entered under token ${token} while another one was inside`);
    if (gone.has(pid)) return judged(`process ${pid} said something after its lock went to another one`);
    if (what === "leaves") {
      if (inside?.token !== token || inside.pid !== pid)
        return judged(
          `process ${pid} left under token ${token}, but ${inside?.token ?? "nobody"} was inside`,
        );
      inside = undefined;
      continue;
    }
    if (token <= newest) return judged(`token ${token} was given out after token ${newest}`);
    newest = token;
    entries++;
    if (inside !== undefined) {
      const died = killed.get(inside.pid);
      if (died === undefined || died > at)
        return judged(
          `token ${token} was let in while process ${inside.pid} with token ${inside.token} was alive inside`,
        );
      gone.add(inside.pid);
      diedInside++;
      if (!suspensions.some(([from, to]) => from <= at && to >= died))
        longestToNext = Math.max(longestToNext, at - died);
    }
    inside = one;
  }
  return judged();
}
