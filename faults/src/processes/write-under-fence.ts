// A process that claims an item and writes under its fence until it is refused: write-under-fence.ts STORE. Says what was acknowledged.
import { argv } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore } from "@holdfast/storage";
import { say } from "./say.ts";

const [, , root = ""] = argv;

if (root !== "") {
  await using store = fileStore(root);
  await store.work.offer("runs", "r", {});
  const [fence] = await store.work.claim("runs", "first", { id: "r" });
  try {
    if (fence === undefined) throw new Error("the item is not free");
    for (let n = 1; ; n++) {
      await store.documents.put("runs/r/run", { by: "first", n }, { fence });
      const text = JSON.stringify({ message_id: `first-${n}` });
      const { position } = await store.logs.append("runs/r/ledger", [{ text, dedupe: `first-${n}` }], {
        fence,
      });
      say(`wrote ${n} ${position}`);
      if (n % 8 === 0) await sleep(Math.random() * 5);
    }
  } catch (error) {
    say(
      error instanceof Error && "code" in error ? `refused ${String(error.code)}` : `broke ${String(error)}`,
    );
    if (fence !== undefined) say(`settled ${String(await store.work.settle(fence, "done"))}`);
  }
}
