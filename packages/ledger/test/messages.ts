import * as fc from "fast-check";
import type { Command, Heartbeat, LedgerEvent, LogMessage, Message } from "../src/index.ts";

const AT = "2026-01-02T03:04:05.123456Z";

export function command(n: number, change: Partial<Command> = {}): Command {
  return {
    kind: "command",
    message_id: `cmd-${n}`,
    correlation_id: `corr-${n}`,
    task_id: "T-0042",
    idempotency_key: `ik:${"0".repeat(64)}`,
    to: { agent_type: "builder" },
    action: "implement",
    inputs: { goal: "Add a parser" },
    expected_outputs: [{ path: "src/duration.mjs", required: true }],
    version: { snapshot_id: "snap-0123456789ab" },
    deadline: AT,
    retry: { attempt: 0, max_attempts: 3 },
    priority: 0,
    ...change,
  };
}

export function event(n: number, name: string, change: Partial<LedgerEvent> = {}): LedgerEvent {
  return {
    kind: "event",
    message_id: `evt-${n}-${name}`,
    correlation_id: `corr-${n}`,
    task_id: "T-0042",
    from: { agent_type: "builder", agent_id: "builder-1" },
    event: name,
    payload: {},
    occurred_at: AT,
    ...change,
  };
}

export function heartbeat(seq: number, change: Partial<Heartbeat> = {}): Heartbeat {
  return {
    kind: "heartbeat",
    agent: { agent_type: "builder", agent_id: "builder-1" },
    seq,
    status: "busy",
    pid: 4711,
    uptime_s: 1.5,
    last_activity_at: AT,
    ...change,
  };
}

export function log(message: string, change: Partial<LogMessage> = {}): LogMessage {
  return { kind: "log", level: "info", message, timestamp: AT, ...change };
}

/** Text of any characters that JSON can carry. */
const text = fc.string({ unit: "binary", maxLength: 20 });
const id = fc.string({ unit: "binary", minLength: 1, maxLength: 20 });
/** A message cannot carry this key: it is refused. And JSON has no -0. */
const carried = (value: unknown): boolean => !JSON.stringify(value).includes('"__proto__":');
const json = fc
  .jsonValue({ maxDepth: 3 })
  .filter(carried)
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const object = fc.dictionary(
  fc.oneof(
    fc.string({ maxLength: 5 }),
    fc.constantFrom("0", "10", "2", "seq", "constructor", "é", "\u{1f600}"),
  ),
  json,
  { maxKeys: 5, noNullPrototype: true },
);

/** Any message, unknown fields included. */
export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc
    .record({ n: fc.nat(5), inputs: object, action: id, extra: json })
    .map(({ n, inputs, action, extra }) => command(n, { inputs, action, extra })),
  fc
    .record({
      n: fc.nat(5),
      payload: object,
      name: fc.constantFrom("builder.completed", "builder.progress", "error"),
      status: text,
    })
    .map(({ n, payload, name, status }) => event(n, name, { payload, status })),
  fc
    .record({ seq: fc.nat(), cpu: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }) })
    .map(({ seq, cpu }) => heartbeat(seq, { stats: { cpu_pct: cpu } })),
  fc.record({ message: text, fields: object }).map(({ message, fields }) => log(message, { fields })),
);
