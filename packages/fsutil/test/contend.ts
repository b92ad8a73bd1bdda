// Takes a lock many times and proves inside that it is alone: a name made with O_EXCL, and a sum read and written back slowly.
import * as fs from "node:fs";
import { join } from "node:path";
import { argv, env } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { acquireLock, nodeFileSystem } from "../src/index.ts";

const [folder = "", times = "0"] = argv.slice(2);
// Without the kernel's lock: the epoch files alone must exclude each other, too.
const fileSystem = env["EPOCHS_ONLY"] === "1" ? { ...nodeFileSystem } : nodeFileSystem;
for (let time = 0; time < Number(times); time++) {
  await using lock = await acquireLock(join(folder, "lock"), { waitMs: 60_000, fileSystem });
  const inside = join(folder, `inside-${lock.token}`);
  const others = fs.readdirSync(folder).filter((name) => name.startsWith("inside-"));
  // Who was killed inside left its name, with a smaller token; the parent says who may have been.
  fs.writeFileSync(inside, String(process.pid), { flag: "wx" });
  for (const other of others) {
    const pid = Number(fs.readFileSync(join(folder, other), "utf8"));
    let alive = true;
    try {
      process.kill(pid, 0);
      const state = fs.readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];
      alive = state !== "Z" && state !== "X";
    } catch {
      alive = false;
    }
    if (alive) fs.writeSync(1, `overlap: ${other} of ${pid} while ${lock.token} of ${process.pid}\n`);
    fs.unlinkSync(join(folder, other));
  }
  const log = join(folder, "tokens");
  const before = fs.existsSync(log) ? fs.readFileSync(log, "utf8") : "";
  if (time % 3 === 0) await sleep(1);
  lock.assertHeld();
  fs.writeFileSync(log, `${before}${lock.token}\n`);
  fs.unlinkSync(inside);
  fs.writeSync(1, `${lock.token}\n`);
}
