import assert from "node:assert/strict";
import { type FileSystem, readFileLimitedSync, writeFileAtomicSync } from "@holdfast/fsutil";
import { openLog, placeFromSummary, readLog } from "@holdfast/ndjson";
import { type Feature, feature } from "../feature.ts";
import { checkList } from "../old-or-new.ts";

const PATH = "/runs/ledger.ndjson";
const SUMMARY = "/runs/summary";

function summaryOn(fileSystem: FileSystem): string | undefined {
  if (fileSystem.lstatSync(SUMMARY) === undefined) return undefined;
  return readFileLimitedSync(SUMMARY, 65_536, { fileSystem }).toString("utf8");
}

/** Opens the log with whatever summary is there, and keeps what it tells; a power cut may lose that, or a part of it. */
async function open(fileSystem: FileSystem, rotateBytes: number | undefined): ReturnType<typeof openLog> {
  const summary = summaryOn(fileSystem);
  return openLog(PATH, {
    fileSystem,
    summaryBytes: 4,
    ...(summary !== undefined && { summary }),
    ...(rotateBytes !== undefined && { rotateBytes }),
    onSummary: (text) => {
      try {
        writeFileAtomicSync(SUMMARY, text, { fileSystem, durability: "data" });
      } catch {
        // It is a note.
      }
    },
  });
}

async function numbersOn(fileSystem: FileSystem): Promise<number[]> {
  const found: number[] = [];
  for await (const { record } of readLog(PATH, { fileSystem })) found.push(Number(record));
  return found;
}

/** Opens the log as the next process does, and tries every position by what its summary says. */
async function takeUp(fileSystem: FileSystem, rotateBytes: number | undefined): Promise<number[]> {
  const log = await open(fileSystem, rotateBytes);
  try {
    const found = await numbersOn(fileSystem);
    assert.equal((await log.append(-1)).position, found.length + 1);
    const all = await numbersOn(fileSystem);
    const summary = summaryOn(fileSystem) ?? "";
    for (const [index, number] of all.entries()) {
      const position = index + 1;
      const at = placeFromSummary(PATH, summary, position, { fileSystem });
      if (at === undefined) continue;
      for await (const { record } of readLog(PATH, { fileSystem, from: position, to: position, at }))
        assert.equal(record, number);
    }
    return all.filter((number) => number >= 0);
  } finally {
    await log.close();
  }
}

function summarized(name: string, rotateBytes: number | undefined): Feature {
  return feature<number, number[]>(
    name,
    "whatever became of the summary, positions and lines are those of the files, and acknowledged lines stay",
    {
      workload: async ({ fileSystem, begin, acknowledge }) => {
        for (const first of [0, 4]) {
          const log = await open(fileSystem, rotateBytes);
          try {
            for (const number of [first, first + 1, first + 2, first + 3]) {
              begin(number);
              await log.append(number);
              acknowledge(number);
            }
          } finally {
            await log.close();
          }
        }
      },
      recover: (fileSystem) => takeUp(fileSystem, rotateBytes),
      check: ({ recovered, ...promised }) => checkList(recovered, promised),
    },
  );
}

/** Logs that are opened by what was counted before. */
export const SUMMARIES: readonly Feature[] = [
  summarized("log opened by its summary", undefined),
  summarized("log that rotates, opened by its summary", 6),
];
