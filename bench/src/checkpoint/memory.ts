import { argv, stdout } from "node:process";
import { CheckpointManager } from "@holdfast/checkpoint";
import { fileStore } from "@holdfast/storage";
import { peak, resetPeak } from "../peak-memory.ts";
import { stateOf } from "./state.ts";

// A process of its own: saves or loads one state, and prints how much its resident memory grew at most meanwhile, in bytes, and the length of the state's JSON.
const [action, root = "", bytes = "0"] = argv.slice(2);
await using store = fileStore(root);
const manager = new CheckpointManager(store, "run", 5);

if (action === "save") {
  const state = stateOf(Number(bytes), "as written");
  const before = resetPeak();
  const { stateBytes } = await manager.save(state, "last");
  stdout.write(JSON.stringify({ grown: peak() - before, stateBytes, turn: state.turn }));
} else {
  const before = resetPeak();
  const { checkpoint } = await manager.load("run", "last");
  const grown = peak() - before;
  stdout.write(
    JSON.stringify({ grown, stateBytes: JSON.stringify(checkpoint.state).length, turn: checkpoint.turn }),
  );
}
