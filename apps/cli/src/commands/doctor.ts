import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import {
  acquireLock,
  ensureDirectory,
  nodeFileSystem,
  readFileLimited,
  removeFile,
  writeFileAtomic,
} from "@holdfast/fsutil";
import { loadWorkflowConfig } from "@holdfast/workflow";
import type { Context } from "../context.ts";
import { codeOf, EXIT, messageOf } from "../failure.ts";
import { formatBytes, table } from "../table.ts";

interface Check {
  readonly name: string;
  readonly status: "ok" | "warning" | "failed";
  readonly message: string;
}

const LOW_SPACE_BYTES = 1024 ** 3;
const EARLIEST_CLOCK = Date.UTC(2024, 0, 1);

/** Tries what Holdfast needs of this machine, at the place where the store is or would be. */
export async function doctor(context: Context, options: { readonly config?: string }): Promise<number> {
  const folder = nearestFolder(context.root);
  const checks: Check[] = [
    checkNode(),
    ...(await checkFileSystem(folder)),
    checkSpace(folder),
    checkClock(),
    ...(options.config === undefined ? [] : await checkAgents(options.config)),
  ];
  const failed = checks.some((check) => check.status === "failed");
  const marks = {
    ok: context.style("green", "ok"),
    warning: context.style("yellow", "warning"),
    failed: context.style("red", "failed"),
  };
  await context.result(
    { ok: !failed, root: context.root, checks },
    table(checks.map((check) => [marks[check.status], check.name, check.message])),
  );
  return failed ? EXIT.failed : EXIT.done;
}

function checkNode(): Check {
  const version = process.versions.node;
  const missing = ["zstdCompressSync"].filter(
    (name) => !(name in (process.getBuiltinModule("node:zlib") ?? {})),
  );
  if (missing.length > 0)
    return { name: "node", status: "failed", message: `${version} has no zstd; use 22.15 or newer` };
  return { name: "node", status: "ok", message: version };
}

async function checkFileSystem(folder: string): Promise<Check[]> {
  const probe = join(folder, `.holdfast-doctor-${randomBytes(4).toString("hex")}`);
  const file = join(probe, "file.json");
  try {
    await ensureDirectory(probe);
  } catch (error) {
    return [
      { name: "permissions", status: "failed", message: `cannot write in ${folder}: ${codeOf(error)}` },
    ];
  }
  const checks: Check[] = [{ name: "permissions", status: "ok", message: `can write in ${folder}` }];
  try {
    checks.push(
      await attempt("atomic replace", "a file is replaced whole, synced with its folder", async () => {
        const started = process.hrtime.bigint();
        const rounds = 20;
        for (let round = 0; round < rounds; round++) await writeFileAtomic(file, `{"round": ${round}}\n`);
        const text = Buffer.from(await readFileLimited(file, 1024)).toString("utf8");
        if (text !== `{"round": ${rounds - 1}}\n`) throw new Error(`read back ${JSON.stringify(text)}`);
        const mode = nodeFileSystem.statSync(file)?.mode ?? 0;
        if ((mode & 0o777) !== 0o600)
          throw new Error(`the mode became ${(mode & 0o777).toString(8)}, not 600`);
        const each = Number(process.hrtime.bigint() - started) / 1e6 / rounds;
        return `${each.toFixed(2)} ms each`;
      }),
    );
    checks.push(
      await attempt("sync", "the file system takes syncs", async () => {
        const opened = nodeFileSystem.openSync(join(probe, "log"), "append", 0o600);
        const line = new Uint8Array(300).fill(0x61);
        const times: number[] = [];
        for (let round = 0; round < 20; round++) {
          opened.writeSync(line, 0);
          const started = process.hrtime.bigint();
          opened.syncSync("data");
          times.push(Number(process.hrtime.bigint() - started) / 1e6);
        }
        opened.closeSync();
        await removeFile(join(probe, "log"));
        const median = times.toSorted((a, b) => a - b)[10] ?? 0;
        return median < 0.02
          ? `${median.toFixed(3)} ms, suspiciously fast: does this disk keep what it syncs?`
          : `${median.toFixed(2)} ms each`;
      }),
    );
    checks.push(
      await attempt("locks", "one holder at a time", async () => {
        const lock = await acquireLock(join(probe, "lock"));
        try {
          const second = await acquireLock(join(probe, "lock")).then(
            (taken) => {
              taken.release();
              return true;
            },
            () => false,
          );
          if (second) throw new Error("two holders at once: this file system's locks cannot be trusted");
          return `fencing token ${lock.token}`;
        } finally {
          lock.release();
        }
      }),
    );
  } finally {
    await removeProbe(probe);
  }
  return checks;
}

async function attempt(name: string, promise: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { name, status: "ok", message: `${promise} (${await work()})` };
  } catch (error) {
    return { name, status: "failed", message: messageOf(error) };
  }
}

async function removeProbe(folder: string): Promise<void> {
  for (const name of nodeFileSystem.readdirSync(folder)) {
    const path = join(folder, name);
    if (nodeFileSystem.lstatSync(path)?.kind === "directory") await removeProbe(path);
    else await removeFile(path);
  }
  nodeFileSystem.rmdirSync(folder);
}

function checkSpace(folder: string): Check {
  const { bavail, bsize, files, ffree } = statfsSync(folder);
  const free = bavail * bsize;
  if (files > 0 && ffree === 0) return { name: "space", status: "failed", message: "no inodes are free" };
  return {
    name: "space",
    status: free < LOW_SPACE_BYTES ? "warning" : "ok",
    message: `${formatBytes(free)} free`,
  };
}

function checkClock(): Check {
  const now = Date.now();
  const status = now < EARLIEST_CLOCK ? "failed" : "ok";
  return {
    name: "clock",
    status,
    message: status === "ok" ? new Date(now).toISOString() : "the clock is before 2024; run ids would lie",
  };
}

async function checkAgents(path: string): Promise<Check[]> {
  const config = await loadWorkflowConfig(path);
  const folder = dirname(resolve(path));
  return Object.entries(config.agents).map(([name, agent]) => {
    const program = agent.cmd[0] ?? "";
    const found = findProgram(program, folder);
    return found === undefined
      ? {
          name: `agent ${name}`,
          status: "failed",
          message: `cannot find "${program}"; install it, or correct cmd in ${path}`,
        }
      : { name: `agent ${name}`, status: "ok", message: found };
  });
}

function findProgram(program: string, folder: string): string | undefined {
  if (program === "holdfast") return "this command";
  const candidates = program.includes("/")
    ? [isAbsolute(program) ? program : join(folder, program)]
    : (process.env["PATH"] ?? "")
        .split(delimiter)
        .filter(Boolean)
        .map((dir) => join(dir, program));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function nearestFolder(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}
