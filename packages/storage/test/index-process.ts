// A process that writes events, or searches them, until it is killed.
import { writeSync } from "node:fs";
import { argv } from "node:process";
import { fileStore } from "../src/index.ts";

const [, , task = "", root = "", count = "0"] = argv;
const store = fileStore(root);

switch (task) {
  case "write":
    for (let n = 0; n < Number(count); n += 10) {
      const items = Array.from({ length: 10 }, (_, index) => ({
        text: JSON.stringify({
          event_id: `e${n + index}`,
          timestamp: new Date(1_767_225_600_000 + n + index).toISOString(),
          event_type: (n + index) % 4 === 0 ? "STATE" : "ACTION",
        }),
      }));
      await store.logs.append("runs/r/events", items, {
        durability: "written",
        whole: false,
        rotateBytes: 20_000,
      });
    }
    await store.close();
    break;
  case "search":
    for (;;) {
      const { count: found } = await store.logs.count("runs/r/events", { types: ["STATE"] });
      writeSync(1, `${found}\n`);
    }
  default:
    throw new Error(`no task "${task}"`);
}
