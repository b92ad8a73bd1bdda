import type { FileStore } from "@holdfast/storage";
import { type BenchmarkRow, type Candidate, compareInTurn, pairedRatio } from "../harness.ts";
import { type Event, idOf, KEY } from "./events.ts";
import type { PlainIndex } from "./plain-index.ts";
import { PEER, rowOf } from "./rows.ts";

/** How many events led to one, down to depth 20. */
async function upstream(
  id: string,
  causesOf: (ids: readonly string[]) => Promise<readonly string[]> | readonly string[],
): Promise<number> {
  const seen = new Set([id]);
  let level: readonly string[] = [id];
  for (let depth = 0; depth < 20 && level.length > 0; depth += 1) {
    level = [...new Set(await causesOf(level))].filter((cause) => !seen.has(cause));
    for (const cause of level) seen.add(cause);
  }
  return seen.size;
}

/** Looks events up by their ids, and what caused them; beside a table made by hand, if there is one. */
export async function lookupRows(
  store: FileStore,
  plain: PlainIndex | undefined,
  count: number,
  rounds: number,
): Promise<BenchmarkRow[]> {
  const wanted = (round: number): string => idOf((round * 7_919_317 + 12_345) % count);
  const byIds = async (ids: readonly string[]): Promise<string[]> => {
    const { items } = await store.logs.find(KEY, { ids }, { limit: 10_000 });
    return items.flatMap(({ text }) => (JSON.parse(text) as Event).caused_by ?? []);
  };
  const rows: BenchmarkRow[] = [];
  const jobs = [
    {
      name: "an event by its id",
      ours: (round: number) => byIds([wanted(round)]),
      peer: (round: number, by: PlainIndex) => by.causesOf([wanted(round)]),
    },
    {
      name: "causes to depth 20",
      ours: (round: number) => upstream(wanted(round), byIds),
      peer: (round: number, by: PlainIndex) => upstream(wanted(round), (ids) => by.causesOf(ids)),
    },
  ];
  for (const job of jobs) {
    const candidates: Candidate[] = [{ subject: "ours", kind: "ours", run: job.ours }];
    if (plain !== undefined)
      candidates.push({ subject: PEER, kind: "peer", run: (round) => job.peer(round, plain) });
    const [ours, peer] = await compareInTurn(candidates, { rounds: rounds * 3, warmup: 3 });
    if (ours === undefined) continue;
    const row = rowOf(job.name, "ours", "ours", ours.median, "ms");
    if (peer === undefined) rows.push(row);
    else {
      rows.push({ ...row, ratio: pairedRatio(ours, peer) });
      rows.push(rowOf(job.name, PEER, "peer", peer.median, "ms"));
    }
  }
  return rows;
}
