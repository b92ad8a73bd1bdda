import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { env, kill } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { type Program, startProgram, temporaryFolders } from "@holdfast/test-kit";
import { afterEach, describe, expect, it } from "vitest";
import { acquireLock, breakLock, readLockHolder } from "../src/index.ts";
import { livenessOfPid } from "../src/process-identity.ts";

const temporaryFolder = temporaryFolders();
const children: Program[] = [];

function run(program: string, args: readonly string[], prefix: readonly string[] = []): Program {
  const child = startProgram(join(import.meta.dirname, program), args, prefix);
  children.push(child);
  return child;
}
const answer = async (child: Program): Promise<unknown> => JSON.parse((await child.line()) ?? "null");
async function ask(child: Program, question: string): Promise<unknown> {
  child.process.stdin?.write(`${question}\n`);
  return answer(child);
}

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.process.kill("SIGKILL");
    await child.ended;
  }
});

describe("acquireLock() between processes", () => {
  it("refuses a second process and names the holder, and prints nothing", async () => {
    const folder = join(temporaryFolder(), "lock");
    const holder = run("hold-lock.ts", [folder]);
    expect(await answer(holder)).toEqual({ token: 1, kernel: true });
    await expect(acquireLock(folder)).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: { pid: holder.pid, worker: "child", token: 1 },
      message: expect.stringContaining(`process ${holder.pid} on `),
    });
    expect(await readLockHolder(folder)).toMatchObject({ pid: holder.pid, worker: "child" });
    expect(await ask(holder, "release")).toBe("released");
    await using lock = await acquireLock(folder);
    expect(lock.token).toBe(2);
    expect(await ask(holder, "again")).toMatchObject({ code: "LOCK_HELD" });
    holder.process.stdin?.end();
    expect(await holder.ended).toEqual({ code: 0, signal: null, stderr: "" });
  });

  it("is free at once when its holder is killed, also while nobody has asked after the dead one", async () => {
    const folder = join(temporaryFolder(), "lock");
    for (let token = 1; token <= 4; token += 2) {
      const holder = run("hold-lock.ts", [folder]);
      expect(await answer(holder)).toMatchObject({ token });
      kill(holder.pid, "SIGKILL");
      // Dead or about to be: the wait is the kernel's, not a lease's.
      const lock = await acquireLock(folder, { waitMs: 5_000 });
      expect(lock.token).toBe(token + 1);
      lock.release();
    }
  });

  it("is free when the holder is a zombie that its parent never asks after", async () => {
    const folder = join(temporaryFolder(), "lock");
    // The shell starts the holder and becomes a program that never asks after it.
    const script =
      '"$@" forever </dev/null & child=$!; read line; (sleep 0.2; kill -9 $child) & exec sleep 60';
    const parent = run("hold-lock.ts", [folder, "0"], ["bash", "-c", script, "bash"]);
    expect(await answer(parent)).toMatchObject({ token: 1 });
    const zombie = (await readLockHolder(folder))?.pid ?? 0;
    parent.process.stdin?.write("go\n");
    const lock = await acquireLock(folder, { waitMs: 5_000 });
    expect(lock.token).toBe(2);
    expect(fs.readFileSync(`/proc/${zombie}/stat`, "utf8")).toMatch(/\) Z /u);
    lock.release();
  });

  // Its first thread has ended, another one waits for a disk that does not answer: it may still write.
  const halfDead =
    "import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nprint(flush=True)\nctypes.CDLL(None).syscall(60, 0)";
  const canHalfDie =
    process.arch === "x64" &&
    spawnSync("python3", ["-c", "import ctypes"]).status === 0 &&
    fs.existsSync("/proc/self/stat");

  it.skipIf(!canHalfDie)("stays with a killed process until its last thread is gone", async () => {
    const child = spawn("python3", ["-c", halfDead], { stdio: ["ignore", "pipe", "ignore"] });
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    const pid = child.pid ?? 0;
    while (!/\) Z /u.test(fs.readFileSync(`/proc/${pid}/stat`, "utf8"))) await sleep(5);
    expect(livenessOfPid(pid, null)).toBe("alive");
    child.kill("SIGKILL");
    await ended;
    expect(livenessOfPid(pid, null)).toBe("dead");
  });

  it("stays with a suspended holder, with and without the kernel's lock; a waiting one gets in when it is released", async () => {
    const folder = join(temporaryFolder(), "lock");
    const holder = run("hold-lock.ts", [folder]);
    await answer(holder);
    kill(holder.pid, "SIGSTOP");
    await expect(acquireLock(folder, { waitMs: 300 })).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: { pid: holder.pid },
    });
    // As if this file system had no kernel locks: the epoch alone keeps it.
    fs.rmSync(join(folder, "kernel.db"));
    await expect(acquireLock(folder, { waitMs: 300 })).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: { pid: holder.pid },
    });
    kill(holder.pid, "SIGCONT");
    expect(await ask(holder, "check")).toBe("held");
    const waiting = acquireLock(folder, { waitMs: 20_000 });
    expect(await ask(holder, "release")).toBe("released");
    await using lock = await waiting;
    expect(lock.token).toBe(2);
  });

  it("is not taken for the holder's when the pid was given out again, nor after a reboot; another host is refused", async () => {
    const folder = join(temporaryFolder(), "lock");
    const first = await acquireLock(folder);
    first.release();
    const forge = (change: object) => {
      const newest = Math.max(
        ...fs.readdirSync(folder).map((name) => Number(/^epoch-(\d+)$/u.exec(name)?.[1] ?? 0)),
      );
      const record = { ...first.holder, ...change, token: newest + 1 };
      fs.writeFileSync(join(folder, `epoch-${newest + 1}`), JSON.stringify(record));
      return newest + 1;
    };
    const free = async (token: number) => {
      const lock = await acquireLock(folder);
      expect(lock.token).toBe(token + 1);
      lock.release();
    };
    await free(forge({ process_start: "1" })); // our own pid, but of an earlier process
    await free(forge({ pid: 4_194_304 + 5 })); // a pid that cannot exist
    await free(forge({ boot_id: "00000000-0000-4000-8000-000000000000" }));
    for (const elsewhere of [
      { host: "elsewhere" },
      { host: "elsewhere", boot_id: "x" },
      { pid_namespace: "pid:[1]" },
      { boot_id: null },
    ]) {
      const token = forge({ pid: 4_194_304 + 5, ...elsewhere });
      await expect(acquireLock(folder)).rejects.toMatchObject({
        code: "LOCK_HELD",
        holder: { token },
        message: expect.stringContaining("cannot be seen from here"),
      });
      expect(await readLockHolder(folder)).toMatchObject(elsewhere);
      await expect(breakLock(folder, { token: token - 1 })).rejects.toMatchObject({ code: "LOCK_HELD" });
      expect(await breakLock(folder, { token })).toBe(token + 1);
      await free(token + 1);
    }
    const damaged = forge({});
    fs.writeFileSync(join(folder, `epoch-${damaged}`), "{");
    await expect(acquireLock(folder)).rejects.toMatchObject({
      code: "LOCK_HELD",
      holder: undefined,
      message: expect.stringContaining("damaged"),
    });
    await expect(readLockHolder(folder)).rejects.toMatchObject({ code: "FILE_UNREADABLE" });
    await breakLock(folder, { token: damaged });
    await free(damaged + 1);
  });

  const unshare = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const hasNamespaces = spawnSync(unshare[0] ?? "", [...unshare.slice(1), "true"]).status === 0;

  it.skipIf(!hasNamespaces)(
    "refuses a holder in another pid namespace, where every pid is 1, living or dead",
    async () => {
      const folder = join(temporaryFolder(), "lock");
      for (const prefix of [unshare, unshare.filter((word) => word !== "--mount-proc")]) {
        const holder = run("hold-lock.ts", [folder], prefix);
        await answer(holder);
        const token = (await readLockHolder(folder))?.token ?? 0;
        expect(await readLockHolder(folder)).toMatchObject({ pid: 1 });
        await expect(acquireLock(folder)).rejects.toMatchObject({ code: "LOCK_HELD", holder: { pid: 1 } });
        await expect(breakLock(folder, { token })).rejects.toMatchObject({ code: "LOCK_HELD" });
        // From inside another namespace, with a pid 1 of its own.
        const neighbour = run("hold-lock.ts", [folder], unshare);
        expect(await answer(neighbour)).toMatchObject({ code: "LOCK_HELD", holder: 1 });
        holder.process.kill("SIGKILL");
        await holder.ended;
        await sleep(100);
        await expect(acquireLock(folder)).rejects.toMatchObject({
          code: "LOCK_HELD",
          message: expect.stringContaining("container"),
        });
        expect(await ask(neighbour, "again")).toMatchObject({ code: "LOCK_HELD" });
        await breakLock(folder, { token });
        expect(await ask(neighbour, "again")).toMatchObject({ token: token + 2 });
        expect(await ask(neighbour, "release")).toBe("released");
      }
    },
  );

  it("fences off a holder that loses its lock: assertHeld() throws LOCK_LOST, also long after", async () => {
    const folder = join(temporaryFolder(), "lock");
    const holder = run("hold-lock.ts", [folder]);
    await answer(holder);
    expect(await ask(holder, "check")).toBe("held");
    // Somebody takes it by force: the folder is put back to what another machine would see.
    const record = await readLockHolder(folder);
    fs.writeFileSync(join(folder, "epoch-1"), JSON.stringify({ ...record, process_start: "1" }));
    fs.rmSync(join(folder, "kernel.db"));
    for (let token = 2; token < 14; token++) {
      await using lock = await acquireLock(folder);
      expect(lock.token).toBe(token);
      expect(await ask(holder, "check")).toBe("LOCK_LOST");
    }
    expect(fs.existsSync(join(folder, "epoch-1"))).toBe(false);
    expect(await ask(holder, "release")).toBe("released");
    expect(await readLockHolder(folder)).toBeUndefined();
  });

  it.each(["0", "1"])(
    "never lets two in at a time, with holders killed and suspended (EPOCHS_ONLY=%s)",
    async (epochsOnly) => {
      env["EPOCHS_ONLY"] = epochsOnly;
      const folder = temporaryFolder();
      const long = env["HOLDFAST_LONG"] === "1";
      const times = long ? 400 : 25;
      const said: string[] = [];
      const contend = async (fate: "lives" | "dies" | "sleeps"): Promise<void> => {
        const child = run("contend.ts", [folder, String(times)]);
        let entries = 0;
        for (let line = await child.line(); line !== undefined; line = await child.line()) {
          said.push(line);
          entries++;
          if (entries === 5 && fate === "dies") child.process.kill("SIGKILL");
          if (entries % 7 === 0 && fate === "sleeps") {
            child.process.kill("SIGSTOP");
            setTimeout(() => child.process.kill("SIGCONT"), 40);
          }
        }
        const { code, stderr } = await child.ended;
        expect(stderr).toBe("");
        assert.ok(code === 0 || fate === "dies");
      };
      const fates = long
        ? (["lives", "dies", "sleeps", "lives", "dies", "lives"] as const)
        : (["lives", "dies", "sleeps", "lives"] as const);
      await Promise.all(fates.map(contend));
      delete env["EPOCHS_ONLY"];
      expect(said.filter((line) => line.startsWith("overlap"))).toEqual([]);
      const acknowledged = said.map(Number);
      expect(acknowledged.length).toBeGreaterThanOrEqual(
        3 * times + 5 - (3 - fates.filter((fate) => fate !== "dies").length) * times,
      );
      // What each holder wrote under its token is still there, in the order of the tokens: no write of two at a time was lost.
      const tokens = fs.readFileSync(join(folder, "tokens"), "utf8").trim().split("\n").map(Number);
      expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
      expect(new Set(tokens).size).toBe(tokens.length);
      expect(acknowledged.filter((token) => !tokens.includes(token))).toEqual([]);
    },
  );
});
