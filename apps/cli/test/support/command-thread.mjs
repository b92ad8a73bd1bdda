// Runs commands one after the other, in a thread of the test: what a command does is the same, and no process is started for it.
import { workerData } from "node:worker_threads";

const { main: path, port, done } = workerData;
const { main } = await import(path);

/** Keeps what is written to a stream of the process. */
function kept(stream) {
  const pieces = [];
  // Each command listens to it, as to the only stream of its process.
  stream.removeAllListeners("error");
  stream.write = (chunk, ...rest) => {
    pieces.push(Buffer.from(chunk));
    const callback = rest.at(-1);
    if (typeof callback === "function") setImmediate(() => callback());
    return true;
  };
  return () => Buffer.concat(pieces).toString("utf8");
}

async function run({ args, env }) {
  const [out, err] = [kept(process.stdout), kept(process.stderr)];
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (value !== undefined) process.env[name] = value;
  const status = await main(args);
  return { status, signal: null, stdout: out(), stderr: err() };
}

port.on("message", async (command) => {
  let answer;
  try {
    answer = { finished: await run(command) };
  } catch (error) {
    answer = { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  port.postMessage(answer);
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
});
