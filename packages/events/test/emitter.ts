// Emits events as fast as it can until it is killed or done, and says on stdout how far what survives a kill got.
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { fileStore } from "@holdfast/storage";
import { openEventStream } from "../src/index.ts";
import { action } from "./events.ts";

const [, , root = "", onFull = "wait", count = "0", rotateBytes = "524288000"] = argv;
const store = fileStore(root);
const stream = await openEventStream(store, "r", {
  onFull: onFull === "wait" ? "wait" : "drop",
  rotateBytes: Number(rotateBytes),
});
const warm = Number(count) / 5;
let peak = 0;
let before = 0;
for (let turn = 1; turn <= Number(count); turn += 1) {
  if (onFull === "wait") await stream.ready();
  else if (turn % 20_000 === 0) await new Promise((resolve) => setImmediate(resolve));
  stream.emit(action(turn));
  if (turn % 5_000 === 0 && onFull === "wait") {
    await stream.drain();
    writeSync(1, `${turn}\n`);
  }
  if (turn % 1_000 === 0) {
    const resident = process.memoryUsage.rss();
    if (turn <= warm) before = Math.max(before, resident);
    else peak = Math.max(peak, resident);
  }
}
await stream.close();
await store.close();
writeSync(1, `${JSON.stringify({ ...stream.stats, grown: peak - before })}\n`);
