// Appends until it is killed, and prints what was acknowledged: `<caller> <number>` a line, after the promise resolved.
import { writeSync } from "node:fs";
import { openLog } from "../src/index.ts";

const [path = "", rotateBytes = "4000"] = process.argv.slice(2);
const log = await openLog(path, { rotateBytes: Number(rotateBytes) });

/** Straight to the pipe, so that it is out before the next thing happens; a full pipe is waited for. */
function say(text: string): void {
  while (true) {
    try {
      writeSync(1, text);
      return;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

async function call(caller: number): Promise<never> {
  for (let number = 1; ; number++) {
    if (number % 5 === 0) await log.appendMany([1, 2, 3].map((part) => ({ caller, number, part })));
    else await log.append({ caller, number, filling: "x".repeat((number * 37) % 300) });
    say(`${caller} ${number}\n`);
  }
}

await Promise.all([1, 2, 3, 4].map(call));
