// A process that works on a store until it is killed, and says on stdout what was acknowledged.
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { fileStore } from "../src/index.ts";

const [, , task = "", root = "", name = "", count = "0"] = argv;
const store = fileStore(root);
const say = (text: string): void => {
  writeSync(1, `${text}\n`);
};

switch (task) {
  case "everything": {
    // Documents, batches and objects, under a claim.
    await store.work.offer("runs", "r", {});
    const [fence] = await store.work.claim("runs", name, { id: "r" });
    if (fence === undefined) throw new Error("not free");
    say(`token ${fence.token}`);
    for (let n = 0; ; n += 1) {
      const id = `${name}-${n}`;
      const { checksum } = await store.objects.put(Buffer.from(id.repeat(1 + (n % 200))));
      say(`object ${checksum}`);
      const items = [`${id}-a`, `${id}-b`, `${id}-c`].slice(0, 1 + (n % 3)).map((line) => ({
        text: JSON.stringify({ message_id: line, pad: "x".repeat(n % 500) }),
        dedupe: line,
      }));
      const { position } = await store.logs.append("runs/r/ledger", items, { fence });
      say(`position ${position} ${items.map(({ dedupe }) => dedupe).join(" ")}`);
      await store.documents.put("runs/r/run", { n, pad: "y".repeat(n % 3_000) }, { fence });
      say(`document ${n}`);
    }
  }
  case "count":
    for (let done = 0; done < Number(count); ) {
      const found = await store.documents.get("counters/one");
      const next = Number(found?.value ?? 0) + 1;
      try {
        await store.documents.put("counters/one", next, { expected: found?.revision ?? null });
        done += 1;
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "STORE_CONFLICT")) throw error;
      }
    }
    break;
  case "append":
    for (let n = 0; n < Number(count); n += 1) {
      const id = `${name}-${n}`;
      const { position } = await store.logs.append("shared/log", [
        { text: JSON.stringify({ message_id: id }), dedupe: id },
      ]);
      say(`${position} ${id}`);
    }
    break;
  case "put":
    for (let n = 0; n < Number(count); n += 1)
      await store.objects.put(Buffer.from(`object ${n}`.repeat(100)));
    break;
  case "hold": {
    await store.work.offer("runs", "r", {});
    const [claim] = await store.work.claim("runs", name, { id: "r" });
    say(`token ${claim?.token}`);
    await new Promise(() => setInterval(() => undefined, 1_000));
    break;
  }
  default:
    throw new Error(`unknown task ${task}`);
}
await store.close();
