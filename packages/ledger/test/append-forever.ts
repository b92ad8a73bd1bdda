// Appends messages until it is killed, and says of each that it was acknowledged: "seq chain" on a line of its own.
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { fileStore } from "@holdfast/storage";
import { openLedger } from "../src/index.ts";
import { command, event, heartbeat, log } from "./messages.ts";

const [, , root = "", callers = "1"] = argv;
const store = fileStore(root);
await store.work.offer("runs", "r", {});
const [claim] = await store.work.claim("runs", "worker", { id: "r" });
if (claim === undefined) throw new Error("not claimed");
const ledger = await openLedger(store, "r", { fence: claim });

async function appendForever(caller: number): Promise<never> {
  for (let n = 0; ; n += 1) {
    const messages = [
      command(n),
      heartbeat(n),
      event(n, "error"),
      log(`caller ${caller} `.repeat(1 + (n % 50))),
    ];
    for (const message of messages) {
      const { seq, chain } = await ledger.append(message);
      writeSync(1, `${seq} ${chain}\n`);
    }
  }
}

await Promise.all(Array.from({ length: Number(callers) }, (_, caller) => appendForever(caller)));
