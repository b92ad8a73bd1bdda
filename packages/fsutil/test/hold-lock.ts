// Takes a lock and keeps it; lines on stdin: "check", "release", "again".

import { writeSync } from "node:fs";
import { argv } from "node:process";
import { createInterface } from "node:readline";
import { acquireLock, FileError, LockHeldError } from "../src/index.ts";

const [folder = "", waitMs = "0", until = "stdin"] = argv.slice(2);
const say = (value: unknown) => writeSync(1, `${JSON.stringify(value)}\n`);
async function take() {
  try {
    const lock = await acquireLock(folder, { waitMs: Number(waitMs), worker: "child" });
    say({ token: lock.token, kernel: lock.holder.kernel_lock });
    return lock;
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    say({ code: error.code, holder: error.holder?.pid ?? null, message: error.message });
    return undefined;
  }
}
let lock = await take();
if (until === "forever") setInterval(() => lock?.assertHeld(), 1_000);
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "release") {
    lock?.release();
    say("released");
  } else if (line === "again") lock = await take();
  else {
    try {
      lock?.assertHeld();
      say("held");
    } catch (error) {
      say(error instanceof FileError ? error.code : String(error));
    }
  }
}
