// Writes a ledger and reads it back in a process of its own, which says by how much its memory grew:
//   node --conditions=holdfast-source test/replay-memory.ts [messages = 2000000]
import { spawnSync } from "node:child_process";
import { argv, execPath, memoryUsage, stdout } from "node:process";
import { setImmediate as turn } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { openLedger, readLedger } from "../src/index.ts";

const MIB = 1024 * 1024;
const [, script = "", mode = "2000000", root = "", count = ""] = argv;

async function write(folder: string, messages: number): Promise<void> {
  // Not needed to read, and large: it brings the property tests' library.
  const { command, event, heartbeat, log } = await import("./messages.ts");
  await using store = fileStore(folder);
  await using ledger = await openLedger(store, "r");
  const started = performance.now();
  let last: Promise<unknown> = Promise.resolve();
  for (let n = 0; n < messages; n += 1) {
    const which = n % 8;
    last =
      which === 0
        ? ledger.append(command(n))
        : which === 7
          ? ledger.append(event(n - 7, "builder.completed"))
          : ledger.append(which % 2 === 0 ? heartbeat(n) : log(`message ${n} of a long run`));
    // As many wait at once as a batch takes.
    if (n % 4_096 === 4_095) await last;
  }
  await last;
  const seconds = (performance.now() - started) / 1_000;
  stdout.write(`wrote ${messages} messages: ${Math.round(messages / seconds)} a second\n`);
}

async function measure(name: string, read: () => AsyncIterable<unknown> | Promise<unknown>): Promise<void> {
  await turn();
  const before = memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, memoryUsage.rss());
  }, 20);
  const started = performance.now();
  const result = read();
  let seen = 0;
  if (result instanceof Promise) await result;
  else {
    for await (const _ of result) {
      seen += 1;
      if (seen % 1_000 === 0) peak = Math.max(peak, memoryUsage.rss());
    }
  }
  clearInterval(timer);
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  stdout.write(
    `${name}: ${seconds} s, from ${Math.round(before / MIB)} MiB, +${Math.round((peak - before) / MIB)} MiB at most\n`,
  );
}

if (mode === "read") {
  await using store = fileStore(root);
  const reader = readLedger(store, "r");
  await measure("replay()", () => reader.replay());
  await measure("summarize()", () => reader.summarize());
  await measure("verifyChain()", () => reader.verifyChain());
} else if (mode === "write") {
  await write(root, Number(count));
} else {
  using folder = temporaryFolder();
  for (const args of [
    ["write", folder.file("store"), mode],
    ["read", folder.file("store")],
  ]) {
    spawnSync(execPath, ["--conditions=holdfast-source", script, ...args], { stdio: "inherit" });
  }
}
