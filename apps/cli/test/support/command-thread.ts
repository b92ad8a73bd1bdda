import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { Finished } from "./command.ts";

/** A command that a thread runs, and where. */
interface Order {
  readonly args: readonly string[];
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
}

interface Thread {
  readonly port: MessagePort;
  readonly done: Int32Array;
}

let thread: Thread | undefined;

/**
 * Runs the built command in a thread of this process, and waits for it: a start of Node costs a third of a second where two cores are shared, which is most
 * of what a short command takes. A module of a config is loaded once in a thread: a test that changes one, kills, or sends signals starts a process.
 *
 * @param main - URL of the module whose `main()` is the command.
 */
export function runInThread(main: URL, { args, dir, env, timeoutMs }: Order): Finished {
  thread ??= start(main);
  const { port, done } = thread;
  const before = process.cwd();
  process.chdir(dir); // the thread follows
  try {
    Atomics.store(done, 0, 0);
    port.postMessage({ args, env });
    if (Atomics.wait(done, 0, 0, timeoutMs) === "timed-out")
      throw new Error(`holdfast ${args.join(" ")} did not end within ${timeoutMs} ms`);
    const answer: { finished?: Finished; failure?: string } | undefined = receiveMessageOnPort(port)?.message;
    if (answer?.finished === undefined)
      throw new Error(`holdfast ${args.join(" ")} failed: ${answer?.failure ?? "it gave no answer"}`);
    return answer.finished;
  } finally {
    process.chdir(before);
  }
}

function start(main: URL): Thread {
  const { port1, port2 } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./command-thread.mjs", import.meta.url), {
    workerData: { main: main.href, port: port2, done },
    transferList: [port2],
    execArgv: [],
  });
  worker.unref();
  port1.unref();
  return { port: port1, done };
}
