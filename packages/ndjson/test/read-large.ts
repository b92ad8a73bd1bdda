// Reads a log in three ways and prints how many records it saw and by how much the process grew at its largest.
import { writeSync } from "node:fs";
import { openLog, readLines, readLog, scanLog } from "../src/index.ts";

const [path = ""] = process.argv.slice(2);
const start = process.memoryUsage.rss();
let largest = start;
let records = 0;
const see = (): void => {
  if (++records % 1000 === 0) largest = Math.max(largest, process.memoryUsage.rss());
};
await (await openLog(path)).close();
for await (const { record } of readLog(path)) if (record !== undefined) see();
for await (const { text } of readLines(path)) if (text !== "") see();
for await (const lines of scanLog(path, { fields: ["kind"] }))
  for (const { values } of lines) if (values[0] === "event") see();
writeSync(1, JSON.stringify({ records, grownMiB: (largest - start) / 1024 / 1024 }));
