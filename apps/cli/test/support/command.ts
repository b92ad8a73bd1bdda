import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runInThread } from "./command-thread.ts";

/** The built command; `HOLDFAST_TEST_BIN` names another one to be tried, such as an installed one. */
const BIN =
  process.env["HOLDFAST_TEST_BIN"] ?? fileURLToPath(new URL("../../bin/holdfast.js", import.meta.url));
const FAULT_POINTS = new URL("./fault-points.mjs", import.meta.url).href;

export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Given {
  readonly env?: Record<string, string | undefined>;
  readonly input?: string;
  /** What happens at which call that changes the store; see fault-points.mjs. */
  readonly faults?: {
    readonly KILL_AT?: string;
    readonly FAIL_AT?: string;
    readonly FAIL_SYNC?: string;
    readonly SLOW_SYNC?: string;
    readonly TRACE?: string;
  };
  readonly timeoutMs?: number;
}

/** A folder of its own with the built command run in it. Removed when disposed. */
export class Place implements Disposable {
  readonly dir: string;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string) {
    this.dir = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
  }

  /** The file that is the command. */
  get command(): string {
    return BIN;
  }

  get store(): string {
    return join(this.dir, ".holdfast");
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  read(...parts: string[]): string {
    return readFileSync(this.path(...parts), "utf8");
  }

  /** Runs the command to its end. */
  holdfast(args: readonly string[], given: Given = {}): Finished {
    const result = spawnSync(process.execPath, [...this.#preload(given), BIN, ...args], {
      cwd: this.dir,
      encoding: "utf8",
      env: this.#environment(given),
      maxBuffer: 512 * 1024 * 1024,
      timeout: given.timeoutMs ?? 120_000,
      ...(given.input === undefined ? {} : { input: given.input }),
    });
    if (result.error) throw result.error;
    return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
  }

  /** As `holdfast()`, in a thread of this process: for commands that are tried often, and whose own process does not matter. See `runInThread()`. */
  quick(args: readonly string[]): Finished {
    return runInThread(new URL("../dist/main.js", pathToFileURL(BIN)), {
      args,
      dir: this.dir,
      env: this.#environment({}),
      timeoutMs: 120_000,
    });
  }

  /** Starts the command and lets go of it; killed with the place at the latest. */
  start(
    args: readonly string[],
    given: Given = {},
  ): { readonly child: ChildProcess; readonly ended: Promise<Finished> } {
    const child = spawn(process.execPath, [...this.#preload(given), BIN, ...args], {
      cwd: this.dir,
      env: this.#environment(given),
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Finished>((resolve) => {
      child.once("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
    });
    return { child, ended };
  }

  /** The ids of the runs in the store. */
  runs(): string[] {
    const folder = join(this.store, "runs");
    return existsSync(folder) ? readdirSync(folder).toSorted() : [];
  }

  /** The only run there is. */
  run(): string {
    const [run, ...others] = this.runs();
    if (run === undefined || others.length > 0)
      throw new Error(`expected one run, found ${this.runs().join(", ") || "none"}`);
    return run;
  }

  ledgerPath(run = this.run()): string {
    return join(this.store, "runs", run, "ledger.ndjson");
  }

  /** The whole lines of a run's ledger; none when there is no ledger yet. */
  ledgerLines(): string[] {
    const [run] = this.runs();
    if (run === undefined || !existsSync(this.ledgerPath(run))) return [];
    const text = readFileSync(this.ledgerPath(run), "utf8");
    return text
      .slice(0, text.lastIndexOf("\n") + 1)
      .split("\n")
      .slice(0, -1);
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  #preload(given: Given): string[] {
    return given.faults === undefined ? [] : ["--import", FAULT_POINTS];
  }

  #environment(given: Given): NodeJS.ProcessEnv {
    return {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      TMPDIR: process.env["TMPDIR"],
      NO_COLOR: "1",
      HOLDFAST_TEST_STORE: this.store,
      ...Object.fromEntries(
        Object.entries(given.faults ?? {}).map(([name, value]) => [`HOLDFAST_TEST_${name}`, value]),
      ),
      ...given.env,
    };
  }
}
