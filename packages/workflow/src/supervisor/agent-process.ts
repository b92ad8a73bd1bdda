import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../unknown-value.ts";
import { createOutputSplitter, type OutputLine } from "./output-splitter.ts";
import { endGroup, signalGroup } from "./process-group.ts";
import { type ProcessIdentity, processIdentity } from "./process-identity.ts";

/** How a process ended. */
export interface AgentExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What to start, and who hears of it. */
export interface StartAgentOptions {
  /** Absolute folder the program starts in. */
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Bytes of one line on stdout, with its newline. */
  readonly maxLineBytes: number;
  /** Takes a line of stdout. Some calls may be under way at a time; when they are many, or hold much, the pipe is not read until they resolve. A rejection ends the reading. */
  readonly onLine: (line: OutputLine) => Promise<void>;
  /** Takes a line of stderr; the next one is read when this resolves. */
  readonly onStderrLine: (line: OutputLine) => Promise<void>;
  /** Between SIGTERM and SIGKILL for what the program leaves behind. Milliseconds. */
  readonly graceMs: number;
}

/** A running program with its process group. */
export interface AgentProcess {
  readonly pid: number;
  /** `undefined` where the system has no `/proc`. */
  readonly identity: ProcessIdentity | undefined;
  /** Writes text to stdin; resolves when the pipe took it, rejects when the program closed it. */
  send(text: string): Promise<void>;
  /** Whether lines that were read wait to be taken. */
  isBackedUp(): boolean;
  /** End of input and SIGTERM to the group, the grace, SIGKILL; resolves when the group is gone and the output was taken. */
  stop(graceMs: number): Promise<void>;
  /** SIGKILL to the group at once, for the moment this process itself ends. */
  kill(): void;
  /** Resolves when the program ended, its group is gone and its output was taken. Rejects with what `onLine` or `onStderrLine` rejected with. */
  readonly exited: Promise<AgentExit>;
}

const STDERR_LINE_BYTES = 65_536;
const WINDOW_LINES = 256;
const WINDOW_BYTES = 1_048_576;
const DRAIN_SILENCE_MS = 2_000;
/** How long an agent may take to end by itself once its input has ended. */
const END_OF_INPUT_MS = 500;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Starts a program in a process group (and session) of its own.
 *
 * @throws The system error of `spawn`, with its `code`, when the program cannot be started.
 */
export async function startAgent(
  command: readonly string[],
  options: StartAgentOptions,
): Promise<AgentProcess> {
  const [program = "", ...args] = command;
  const child: Child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  // A program that closes its input, or ends, makes writes fail: each write reports its own failure.
  child.stdin.on("error", () => {});
  const ended = new Promise<AgentExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    throw error;
  }
  const pid = child.pid as number;
  const identity = processIdentity(pid);

  const stdout = new OutputReader(
    child.stdout,
    options.maxLineBytes,
    options.onLine,
    WINDOW_LINES,
    WINDOW_BYTES,
  );
  const stderr = new OutputReader(child.stderr, STDERR_LINE_BYTES, options.onStderrLine, 1, 1);
  const exited = ended.then(async (exit) => {
    await endGroup(pid, options.graceMs);
    child.stdin.destroy();
    await Promise.all([stdout.drained(), stderr.drained()]);
    return exit;
  });
  // Whoever waits sees the failure; nobody may be waiting at this moment.
  exited.catch(() => {});

  return {
    pid,
    identity,
    exited,
    send: (text) => writeTo(child.stdin, text),
    isBackedUp: () => stdout.isBackedUp(),
    async stop(graceMs) {
      child.stdin.end();
      // An agent that ends by itself says its last words first.
      await Promise.race([
        exited.catch(() => {}),
        delay(Math.min(graceMs, END_OF_INPUT_MS), undefined, { ref: false }),
      ]);
      await endGroup(pid, graceMs);
      await exited;
    },
    kill: () => void signalGroup(pid, "SIGKILL"),
  };
}

function writeTo(stdin: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdin.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Reads a pipe line by line and stops reading while too much of it waits to be taken. */
class OutputReader {
  readonly #stream: Readable;
  readonly #done: Promise<void>;
  #waiting = 0;
  #waitingBytes = 0;
  #room: (() => void) | undefined;
  #lastChunkAt = performance.now();
  #failure: { error: unknown } | undefined;

  constructor(
    stream: Readable,
    maxLineBytes: number,
    take: (line: OutputLine) => Promise<void>,
    windowLines: number,
    windowBytes: number,
  ) {
    this.#stream = stream;
    this.#done = this.#read(maxLineBytes, take, windowLines, windowBytes);
    this.#done.catch(() => {});
  }

  isBackedUp(): boolean {
    return this.#room !== undefined;
  }

  /** Resolves at the end of the output, or when a process outside the group holds the pipe open and says nothing. */
  async drained(): Promise<void> {
    const state = { done: false };
    const finished = this.#done.finally(() => {
      state.done = true;
    });
    finished.catch(() => {});
    this.#lastChunkAt = performance.now();
    const silence = (async () => {
      while (!state.done && (this.#waiting > 0 || performance.now() - this.#lastChunkAt < DRAIN_SILENCE_MS)) {
        await Promise.race([delay(50), finished]);
      }
      if (!state.done) this.#stream.destroy();
    })();
    await Promise.all([finished, silence]);
  }

  async #read(
    maxLineBytes: number,
    take: (line: OutputLine) => Promise<void>,
    windowLines: number,
    windowBytes: number,
  ): Promise<void> {
    const splitter = createOutputSplitter(maxLineBytes);
    try {
      for await (const chunk of this.#stream) {
        this.#lastChunkAt = performance.now();
        for (const line of splitter.push(chunk as Buffer))
          await this.#give(line, take, windowLines, windowBytes);
      }
      const last = splitter.end();
      if (last !== undefined) await this.#give(last, take, windowLines, windowBytes);
    } catch (error) {
      // A pipe that breaks or is destroyed has said all it will say; only what a taker rejected with is a failure.
      if (this.#failure === undefined && !isStreamEnd(error)) this.#failure = { error };
    }
    while (this.#waiting > 0 && this.#failure === undefined) await this.#madeRoom();
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #give(
    line: OutputLine,
    take: (line: OutputLine) => Promise<void>,
    windowLines: number,
    windowBytes: number,
  ): Promise<void> {
    const size = "bytes" in line ? line.bytes.length : 0;
    this.#waiting += 1;
    this.#waitingBytes += size;
    void take(line)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .then(() => {
        this.#waiting -= 1;
        this.#waitingBytes -= size;
        this.#room?.();
        return undefined;
      });
    while (
      this.#failure === undefined &&
      (this.#waiting >= windowLines || this.#waitingBytes >= windowBytes) &&
      this.#waiting > 0
    ) {
      await this.#madeRoom();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #madeRoom(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
    this.#room = undefined;
  }
}

function isStreamEnd(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "EPIPE" || code === "ECONNRESET" || code === "EIO";
}
