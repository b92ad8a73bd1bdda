import { argv } from "node:process";
import { runIdGenerator } from "@holdfast/checkpoint";
import { fileStore, parseTimestamp } from "@holdfast/storage";

// Waits for a line, so that all processes begin at the same moment; then prints the id it got.
const [root = "", moment = ""] = argv.slice(2);
const store = fileStore(root);
console.log("ready");
process.stdin.once("data", () => {
  const ids = runIdGenerator(store, { clock: () => parseTimestamp(moment) });
  ids
    .next({ name: "Economic Test", agents: 2 })
    .then((id) => console.log(id))
    .catch((error: unknown) => console.log(String(error)))
    .finally(() => {
      process.stdin.destroy();
      return store.close();
    });
});
