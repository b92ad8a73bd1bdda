// Writes lines of a stream as a program that knows nothing of Holdfast does: in two halves, and with files that it puts aside by itself.
import { appendFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";
import { lineOf } from "./long-stream.ts";

const [, , folder = "", from = "0", to = "0"] = argv;
const path = join(folder, "events.jsonl");
for (let n = Number(from); n < Number(to); n += 1) {
  const line = lineOf(n);
  appendFileSync(path, line.slice(0, line.length / 2));
  if (n % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  appendFileSync(path, `${line.slice(line.length / 2)}\n`);
  writeSync(1, `${n + 1}\n`);
  if (n % 150 === 149) renameSync(path, join(folder, `events_2026-01-03_00-00-00_${n}.jsonl`));
}
