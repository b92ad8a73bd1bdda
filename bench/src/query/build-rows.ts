import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileStore } from "@holdfast/storage";
import { type BenchmarkRow, median } from "../harness.ts";
import { KEY } from "./events.ts";
import { fillPlain, type PlainIndex, removePlain } from "./plain-index.ts";
import { PEER, rowOf } from "./rows.ts";
import { timed } from "./timed.ts";

/** Makes the index of a store from the files alone. */
async function buildOurs(root: string): Promise<number> {
  rmSync(join(root, "index"), { recursive: true, force: true });
  const store = fileStore(root);
  const ms = await timed(() => store.logs.count(KEY, {}));
  await store.close();
  return ms;
}

/** How an index is built. */
export interface BuildOptions {
  readonly rounds: number;
  /** Whether the plain table gets its indexes, and is a peer: with ten million events they take longer than all the rest. */
  readonly hasPeer: boolean;
}

/** Builds both indexes in turn, and says how fast and how large they are. `plain`: with its indexes, where there is a peer. */
export async function buildRows(
  root: string,
  count: number,
  { rounds, hasPeer }: BuildOptions,
): Promise<{ readonly rows: BenchmarkRow[]; readonly plain: PlainIndex | undefined }> {
  const job = "build the index";
  const rate = (ms: number): number => (count / ms) * 1_000;
  const times: { readonly ours: number; readonly bare: number }[] = [];
  let plain: PlainIndex | undefined;
  for (let round = 0; round < rounds; round += 1) {
    plain?.close();
    // Each begins every other round: what a busy machine does to one it does to the other.
    const before = round % 2 === 0 ? await buildOurs(root) : undefined;
    const filled = await fillPlain(root);
    plain = filled.plain;
    times.push({ ours: before ?? (await buildOurs(root)), bare: filled.ms });
  }
  if (plain === undefined) throw new RangeError("There is no round");
  const ours = median(times.map((time) => time.ours));
  const bare = median(times.map((time) => time.bare));
  const ratio = median(times.map((time) => time.bare / time.ours));
  const bytes = statSync(join(root, "index", "logs", `${KEY}.db`)).size / count;
  const bareSubject = "bare insert of the same columns, no index, nothing parsed";
  const size: BenchmarkRow = {
    ...rowOf("size of the index", "ours", "ours", bytes, "B/event"),
    goal: "<= 165 B an event",
    met: bytes <= 165,
  };
  const rows: BenchmarkRow[] = [
    rowOf(job, bareSubject, "limit", rate(bare), "events/s"),
    {
      ...rowOf(job, "ours, from the files", "ours", rate(ours), "events/s"),
      ratio,
      goal: ">= 0.7 of the bare insert",
      met: ratio >= 0.7,
    },
  ];
  if (!hasPeer) {
    plain.close();
    removePlain(root);
    return { rows: [...rows, size], plain: undefined };
  }
  const indexed = plain;
  const indexes = await timed(() => indexed.makeIndexes());
  const plainBytes = indexed.bytes / count;
  rows.push(
    rowOf(job, PEER, "peer", rate(bare + indexes), "events/s"),
    { ...size, ratio: bytes / plainBytes },
    rowOf("size of the index", PEER, "peer", plainBytes, "B/event"),
  );
  return { rows, plain };
}
