import { argv } from "node:process";
import { runIdGenerator } from "@holdfast/checkpoint";
import { fileStore, parseTimestamp } from "@holdfast/storage";

// Waits for a line, so that all processes begin at the same moment; then prints the id it got.
const [root = "", moment = ""] = argv.slice(2);
const store = fileStore(root);
process.stdout.write("ready\n");
process.stdin.once("data", () => {
  void printId();
});

async function printId(): Promise<void> {
  const ids = runIdGenerator(store, { clock: () => parseTimestamp(moment) });
  try {
    process.stdout.write(`${await ids.next({ name: "Economic Test", agents: 2 })}\n`);
  } catch (error) {
    process.stdout.write(`${String(error)}\n`);
  }
  process.stdin.destroy();
  await store.close();
}
