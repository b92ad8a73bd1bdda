// The agent protocol, from its description alone: commands come as lines of JSON on stdin, events and heartbeats go out as
// lines of JSON on stdout, stderr is for people. Nothing here comes from Holdfast's packages.
import { createHash, randomUUID } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const HEARTBEAT_MS = 1_000;
const startedAt = Date.now();
const now = () => new Date().toISOString();
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Between the small parts of the work, so that there is a middle in which a run can be killed. */
export const pause = () => delay(Number(process.env.EXAMPLE_DELAY_MS ?? 200));

/** Answers commands, one after the other, until stdin ends. `handlers` is by action. */
export async function serve(agentType, handlers) {
  const from = { agent_type: agentType, agent_id: `${agentType}-${process.pid}` };
  let beats = 0;
  let busyWith;
  let activeAt = now();
  const beat = () => {
    beats += 1;
    const uptime_s = (Date.now() - startedAt) / 1_000;
    const status = busyWith === undefined ? "ready" : "busy";
    say({
      kind: "heartbeat",
      agent: from,
      seq: beats,
      status,
      pid: process.pid,
      uptime_s,
      last_activity_at: activeAt,
    });
  };
  // Nobody reads any more: the orchestrator is gone, and so is the reason to work.
  process.stdout.on("error", () => process.exit(1));
  const heartbeat = setInterval(beat, HEARTBEAT_MS);
  beat();
  for await (const line of createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    const { correlation_id, task_id, action } = command;
    const answer = (event, details = {}) => {
      activeAt = now();
      const message_id = randomUUID();
      say({
        kind: "event",
        message_id,
        correlation_id,
        task_id,
        from,
        event,
        payload: {},
        ...details,
        occurred_at: now(),
      });
    };
    busyWith = command;
    activeAt = now();
    beat();
    process.stderr.write(`${action} (${task_id})\n`);
    try {
      if (handlers[action] === undefined) throw new Error(`I do not know how to ${action}`);
      await handlers[action](command, answer);
    } catch (error) {
      answer("error", { status: "failed", payload: { message: error.message } });
    }
    busyWith = undefined;
  }
  clearInterval(heartbeat);
}

/** Replaces a file of the workspace: it holds the old text or the new one, whenever this process is killed. */
export function writeFile(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.tmp`);
  const file = openSync(temporary, "w");
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(temporary, path);
}

/** What was produced: path, checksum and size of a file. */
export function artifact(path) {
  const bytes = readFileSync(path);
  return { path, sha256: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, size: bytes.length };
}
