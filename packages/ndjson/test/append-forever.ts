// Appends until it is killed, and prints what was acknowledged: `<caller> <number>` a line, after the promise resolved.
import { writeSync } from "node:fs";
import { openLog } from "../src/index.ts";

const [path = "", rotateBytes = "4000"] = process.argv.slice(2);
const log = await openLog(path, { rotateBytes: Number(rotateBytes) });

async function call(caller: number): Promise<never> {
  for (let number = 1; ; number++) {
    if (number % 5 === 0) await log.appendMany([1, 2, 3].map((part) => ({ caller, number, part })));
    else await log.append({ caller, number, filling: "x".repeat((number * 37) % 300) });
    // Straight to the pipe: it is out before the next thing happens.
    writeSync(1, `${caller} ${number}\n`);
  }
}

await Promise.all([1, 2, 3, 4].map(call));
