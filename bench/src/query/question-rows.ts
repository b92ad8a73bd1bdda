import type { FileStore } from "@holdfast/storage";
import { type BenchmarkRow, type Candidate, compareInTurn, pairedRatio } from "../harness.ts";
import type { PlainIndex } from "./plain-index.ts";
import { ask, questionsOf } from "./questions.ts";
import { PEER, rowOf } from "./rows.ts";
import { duckScan, scan } from "./scans.ts";
import { timed } from "./timed.ts";

/** Asks the questions. */
export async function questionRows(
  folder: string,
  store: FileStore,
  plain: PlainIndex,
  count: number,
  rounds: number,
): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = [];
  for (const question of questionsOf(count)) {
    const candidates: Candidate[] = [
      { subject: "ours", kind: "ours", run: () => ask(store, question) },
      { subject: PEER, kind: "peer", run: () => plain.ask(question) },
    ];
    const [ours, peer] = await compareInTurn(candidates, { rounds, warmup: 2 });
    if (ours === undefined || peer === undefined) continue;
    rows.push({
      ...rowOf(question.name, "ours", "ours", ours.median, "ms"),
      ratio: pairedRatio(ours, peer),
      goal: `p50 under ${question.goalMs} ms at 10 M`,
      met: ours.median < question.goalMs,
      note: `p99 ${ours.p99.toFixed(1)} ms`,
    });
    rows.push(rowOf(question.name, PEER, "peer", peer.median, "ms"));
    if (question.filter.from !== undefined || question.newestFirst === true) continue;
    const scanned = await timed(async () => {
      const total = await scan(folder, question);
      if (total !== (await ask(store, question)).total) throw new Error("The scan found something else");
    });
    rows.push({
      ...rowOf(question.name, "full scan, total only", "peer", scanned, "ms"),
      ratio: scanned / ours.median,
      goal: "ours at least 100 times as fast",
      met: scanned / ours.median >= 100,
    });
    const duck = await timed(async () => {
      const total = await duckScan(folder, question);
      if (total !== (await ask(store, question)).total) throw new Error("DuckDB found something else");
    });
    rows.push({
      ...rowOf(question.name, "DuckDB over the files", "peer", duck, "ms"),
      ratio: duck / ours.median,
    });
  }
  return rows;
}
