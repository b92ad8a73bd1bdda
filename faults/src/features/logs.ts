import type { FileSystem } from "@holdfast/fsutil";
import { type Log, listLogFiles, type OpenLogOptions, openLog, readLog } from "@holdfast/ndjson";
import { type Feature, feature } from "../feature.ts";
import { checkList } from "../old-or-new.ts";

const PATH = "/runs/ledger.ndjson";
const ROTATED = /^\/runs\/ledger_[-\d_]+\.ndjson$/;
/** Lines of different lengths, some longer than a sector. */
const PADS = [0, 600, 30, 300, 0, 1_200];

interface Line {
  readonly number: number;
  readonly pad: string;
}

function line(number: number): Line {
  return { number, pad: "x".repeat(PADS[number % PADS.length] ?? 0) };
}

async function append(log: Log, number: number): Promise<number> {
  return (await log.append(line(number))).position;
}

/** Opens the log as the next process does, appends a line to it, and gives what was there before. */
async function linesOf(fileSystem: FileSystem, options: OpenLogOptions): Promise<number[]> {
  const log = await openLog(PATH, { ...options, fileSystem });
  const found: number[] = [];
  for await (const { record } of readLog(PATH, { fileSystem })) found.push((record as Line).number);
  try {
    const position = await append(log, -1);
    if (position !== found.length + 1)
      throw new Error(`the next line has position ${position} after ${found.length}`);
  } finally {
    await log.close();
  }
  checkFiles(fileSystem);
  return found.filter((number) => number >= 0);
}

/** One file is appended to, the others are put aside under names with their times. */
function checkFiles(fileSystem: FileSystem): void {
  const files = listLogFiles(PATH, { fileSystem });
  const isWell = files.at(-1) === PATH && files.slice(0, -1).every((path) => ROTATED.test(path));
  if (!isWell) throw new Error(`the files of the log are ${files.join(", ")}`);
}

function appending(name: string, promise: string, options: OpenLogOptions): Feature {
  return feature<number, number[]>(name, promise, {
    workload: async ({ fileSystem, begin, acknowledge }) => {
      const log = await openLog(PATH, { ...options, fileSystem });
      try {
        for (const number of PADS.keys()) {
          begin(number);
          await append(log, number);
          acknowledge(number);
        }
      } finally {
        await log.close();
      }
    },
    recover: (fileSystem) => linesOf(fileSystem, options),
    check: ({ recovered, ...promised }) => checkList(recovered, promised),
  });
}

/** Logs of lines. */
export const LOGS: readonly Feature[] = [
  appending(
    "log appended to",
    "acknowledged lines stay, in order; a torn tail is cut off and later appends are fine",
    {},
  ),
  appending("log that rotates", "no line is lost or doubled by a rotation, and one file is appended to", {
    rotateBytes: 900,
  }),
  feature<number, number[]>("batch of lines", "all lines of a batch, or none", {
    workload: async ({ fileSystem, begin, acknowledge }) => {
      const log = await openLog(PATH, { fileSystem });
      try {
        for (const first of [0, 3, 6]) {
          const batch = [first, first + 1, first + 2];
          for (const number of batch) begin(number);
          await log.appendMany(batch.map(line));
          for (const number of batch) acknowledge(number);
        }
      } finally {
        await log.close();
      }
    },
    recover: (fileSystem) => linesOf(fileSystem, {}),
    check: ({ recovered, begun, acknowledged }) => {
      checkList(recovered, { begun, acknowledged });
      if (recovered.length % 3 !== 0) throw new Error(`${recovered.length} lines: a part of a batch`);
    },
  }),
];
