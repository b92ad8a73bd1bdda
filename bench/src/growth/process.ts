import process, { argv, stdout } from "node:process";
import { HeldMemory, peak, resetPeak } from "../peak-memory.ts";
import { GROWTH_JOBS } from "./jobs.ts";

// A process of its own: does one job, and prints how long it took and how much memory it held, and by how much its resident memory grew at most, in bytes.
const [name, root = "", items = "0"] = argv.slice(2);
const job = GROWTH_JOBS.find((one) => one.name === name);
if (job === undefined) throw new Error(`There is no job "${name}"`);
const count = Number(items);
if (job.isRead) await job.run(root, count);
const before = resetPeak();
const memory = new HeldMemory();
const start = performance.now();
const used = process.cpuUsage();
const seen = await job.run(root, count);
const ms = performance.now() - start;
const { user, system } = process.cpuUsage(used);
stdout.write(
  JSON.stringify({ ms, cpuMs: (user + system) / 1000, seen, held: memory.end(), grown: peak() - before }),
);
