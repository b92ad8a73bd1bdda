import type { FileStore } from "@holdfast/storage";
import { assertSame, type BenchmarkRow, type Candidate, compareInTurn, pairedRatio } from "../harness.ts";
import type { PlainIndex } from "./plain-index.ts";
import { type Answer, ask, type Question, questionsOf } from "./questions.ts";
import { PEER, rowOf } from "./rows.ts";
import { duckScan, scan, scanAll } from "./scans.ts";
import { timed } from "./timed.ts";

/** Where the questions are asked. */
export interface Asked {
  readonly folder: string;
  readonly store: FileStore;
  readonly count: number;
  readonly rounds: number;
}

/** Asks the questions, beside a table made by hand, a scan and DuckDB. */
export async function questionRows(asked: Asked, plain: PlainIndex): Promise<BenchmarkRow[]> {
  const { folder, store, count, rounds } = asked;
  const rows: BenchmarkRow[] = [];
  for (const question of questionsOf(count)) {
    const candidates: Candidate[] = [
      { subject: "ours", kind: "ours", run: () => ask(store, question) },
      { subject: PEER, kind: "peer", run: () => plain.ask(question) },
    ];
    const [ours, peer] = await compareInTurn(candidates, { rounds, warmup: 2 });
    if (ours === undefined || peer === undefined) continue;
    rows.push({ ...oursRow(question, ours), ratio: pairedRatio(ours, peer) });
    rows.push(rowOf(question.name, PEER, "peer", peer.median, "ms"));
    if (question.filter.from !== undefined || question.newestFirst === true) continue;
    const { total } = await ask(store, question);
    const scanned = await timed(async () => assertTotal(await scan(folder, question), total));
    rows.push(scanRow(question, scanned, ours.median));
    const duck = await timed(async () => assertTotal(await duckScan(folder, question), total));
    rows.push(duckRow(question, duck, ours.median));
  }
  return rows;
}

/** {@link questionRows} of many events: what reads all of them is run once, and answers all questions. */
export async function largeQuestionRows({ folder, store, count, rounds }: Asked): Promise<BenchmarkRow[]> {
  const rows: BenchmarkRow[] = [];
  const questions = questionsOf(count);
  let answers: readonly Answer[] = [];
  const scanned = await timed(async () => (answers = await scanAll(folder, questions)));
  for (const [index, question] of questions.entries()) {
    const answer = answers[index];
    const candidate: Candidate = { subject: "ours", kind: "ours", run: () => ask(store, question) };
    await assertSame([{ subject: "full scan", kind: "peer", run: () => answer }, candidate]);
    const [ours] = await compareInTurn([candidate], { rounds, warmup: 2, isChecked: true });
    if (ours === undefined) continue;
    rows.push(oursRow(question, ours));
    rows.push({ ...scanRow(question, scanned, ours.median), note: "one scan for all questions" });
    if (index > 0) continue;
    const duck = await timed(async () => assertTotal(await duckScan(folder, question), answer?.total));
    rows.push(duckRow(question, duck, ours.median));
  }
  return rows;
}

function oursRow(
  { name, goalMs }: Question,
  { median, p99 }: { readonly median: number; readonly p99: number },
): BenchmarkRow {
  return {
    ...rowOf(name, "ours", "ours", median, "ms"),
    goal: `p50 under ${goalMs} ms at 10 M`,
    met: median < goalMs,
    note: `p99 ${p99.toFixed(1)} ms`,
  };
}

function scanRow({ name }: Question, ms: number, oursMs: number): BenchmarkRow {
  return {
    ...rowOf(name, "full scan, total only", "peer", ms, "ms"),
    ratio: ms / oursMs,
    goal: "ours at least 100 times as fast",
    met: ms / oursMs >= 100,
  };
}

function duckRow({ name }: Question, ms: number, oursMs: number): BenchmarkRow {
  return { ...rowOf(name, "DuckDB over the files", "peer", ms, "ms"), ratio: ms / oursMs };
}

function assertTotal(found: number, expected: number | undefined): void {
  if (found !== expected) throw new Error(`Another total: ${found} instead of ${expected}`);
}
