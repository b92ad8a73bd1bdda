import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { anyMessage, command, event, heartbeat, log } from "../test/messages.ts";
import {
  artifactSchema,
  commandSchema,
  decodeMessage,
  encodeMessage,
  eventSchema,
  heartbeatSchema,
  LedgerError,
  logSchema,
  messageSchema,
} from "./index.ts";

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof LedgerError) return error.code;
    throw error;
  }
  return "none";
}

describe("encodeMessage() and decodeMessage()", () => {
  it("any message round-trips", () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const text = encodeMessage(message);
        expect(text).not.toContain("\n");
        expect(decodeMessage(text)).toEqual(message);
        expect(decodeMessage(`${text}\r\n`)).toEqual(message);
        expect(decodeMessage(JSON.stringify(message, undefined, 1).replaceAll("\n", " "))).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });

  it("takes 262,144 bytes with the newline, and not one more", () => {
    const empty = encodeMessage(log("")).length + 1;
    const fits = log("x".repeat(262_144 - empty));
    const text = encodeMessage(fits);
    expect(Buffer.byteLength(`${text}\n`)).toBe(262_144);
    expect(decodeMessage(`${text}\n`)).toEqual(fits);
    const tooLong = log("x".repeat(262_144 - empty + 1));
    expect(codeOf(() => encodeMessage(tooLong))).toBe("LEDGER_MESSAGE_TOO_LARGE");
    expect(codeOf(() => decodeMessage(JSON.stringify(tooLong)))).toBe("LEDGER_MESSAGE_TOO_LARGE");
    // Bytes count, not characters.
    expect(codeOf(() => encodeMessage(log("é".repeat(131_072))))).toBe("LEDGER_MESSAGE_TOO_LARGE");
    expect(codeOf(() => encodeMessage(log("xx"), { maxBytes: empty + 1 }))).toBe("LEDGER_MESSAGE_TOO_LARGE");
    expect(codeOf(() => encodeMessage(log("x"), { maxBytes: empty + 1 }))).toBe("none");
  });

  it.each([
    [
      "a name twice",
      '{"kind":"log","level":"info","message":"x","fields":{"a":1,"\\u0061":2},"timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "a name twice at the top",
      '{"kind":"log","kind":"log","level":"info","message":"x","timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "an integer above 2^53 that a double changes",
      '{"kind":"log","level":"info","message":"x","fields":{"a":9007199254740993},"timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "1e999",
      '{"kind":"log","level":"info","message":"x","fields":{"a":[1e999]},"timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "a lone surrogate",
      '{"kind":"log","level":"info","message":"\\ud83d","timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "a lone surrogate in a name",
      '{"kind":"log","level":"info","message":"","fields":{"\\uDE00":1},"timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "__proto__",
      '{"kind":"log","level":"info","message":"x","fields":{"\\u005f_proto__":1},"timestamp":"2026-01-02T03:04:05Z"}',
    ],
    [
      "a byte order mark",
      '\ufeff{"kind":"log","level":"info","message":"x","timestamp":"2026-01-02T03:04:05Z"}',
    ],
    ["a fence", '{"kind":"log","level":"info","message":"x","fence":1,"timestamp":"2026-01-02T03:04:05Z"}'],
    ["a chain", '{"kind":"log","level":"info","message":"x","chain":"","timestamp":"2026-01-02T03:04:05Z"}'],
    [
      "a timestamp that does not exist",
      '{"kind":"log","level":"info","message":"x","timestamp":"2026-13-02T03:04:05Z"}',
    ],
    ["an unknown kind", '{"kind":"note"}'],
    ["no object", "[]"],
    ["nothing", ""],
    ["half a message", '{"kind":"log"'],
  ])("refuses %s", (_, text) => {
    expect(codeOf(() => decodeMessage(text))).toBe("LEDGER_MESSAGE");
  });

  it("takes what only looks odd", () => {
    const text =
      '{ "kind": "log", "level": "info", "message": "__proto__ \\ud83d\\ude00 \\\\ud83d \u2028", "fields": {"a": 1E2, "b": -0.0, "c": 123456789012345680000, "d": {"a": 1}, "e": "\\"__proto__\\":"}, "timestamp": "2026-01-02T03:04:05+01:00" }';
    expect(decodeMessage(text)).toEqual({
      kind: "log",
      level: "info",
      message: "__proto__ \u{1f600} \\ud83d \u2028",
      fields: { a: 100, b: -0, c: 123456789012345680000, d: { a: 1 }, e: '"__proto__":' },
      timestamp: "2026-01-02T03:04:05+01:00",
    });
  });

  it.each<[string, unknown]>([
    ["NaN", Number.NaN],
    ["undefined in a list", [undefined]],
    ["a Date", new Date(0)],
    ["a BigInt", 1n],
    ["half of a surrogate pair", "\ud83d"],
    ["a key __proto__", JSON.parse('{"__proto__":1}')],
    ["a function", () => 1],
  ])("encodeMessage() refuses %s instead of changing it", (_, value) => {
    expect(codeOf(() => encodeMessage(log("x", { fields: { value } })))).toBe("LEDGER_MESSAGE");
  });

  it("encodeMessage() leaves out what is undefined, and says where a message is wrong", () => {
    expect(encodeMessage({ ...log("x"), fields: { a: undefined, b: { c: undefined } } })).toBe(
      '{"kind":"log","level":"info","message":"x","timestamp":"2026-01-02T03:04:05.123456Z","fields":{"b":{}}}',
    );
    const wrong = command(1, { retry: { attempt: -1, max_attempts: 3 } });
    expect(() => encodeMessage(wrong)).toThrow(/"\$\.retry\.attempt"/);
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    expect(codeOf(() => encodeMessage(log("x", { fields: cyclic })))).toBe("LEDGER_MESSAGE");
  });

  it("fills in defaults when it reads", () => {
    const { payload, ...bare } = event(1, "builder.progress");
    expect(payload).toEqual({});
    expect(decodeMessage(JSON.stringify(bare))).toEqual(event(1, "builder.progress"));
    const { expected_outputs, ...rest } = command(1);
    expect(expected_outputs).toHaveLength(1);
    expect(decodeMessage(JSON.stringify({ ...rest, expected_outputs: [{ path: "a" }] }))).toEqual(
      command(1, { expected_outputs: [{ path: "a", required: true }] }),
    );
  });
});

describe("bounds", () => {
  it.each<[string, unknown]>([
    ["a key of 15 characters", command(1, { idempotency_key: "x".repeat(15) })],
    ["attempt -1", command(1, { retry: { attempt: -1, max_attempts: 1 } })],
    ["0 attempts at most", command(1, { retry: { attempt: 0, max_attempts: 0 } })],
    ["priority -1", command(1, { priority: -1 })],
    ["inputs that are a list", { ...command(1), inputs: [] }],
    ["a snapshot id in upper case", command(1, { version: { snapshot_id: "snap-0123456789AB" } })],
    [
      "a checksum without its prefix",
      event(1, "error", { artifacts: [{ path: "a", sha256: "0".repeat(64), size: 0 }] }),
    ],
    [
      "a negative size",
      event(1, "error", { artifacts: [{ path: "a", sha256: `sha256:${"0".repeat(64)}`, size: -1 }] }),
    ],
    ["a heartbeat without agent_id", { ...heartbeat(1), agent: { agent_type: "builder" } }],
    ["an unknown status", { ...heartbeat(1), status: "asleep" }],
    ["an unknown level", { ...log(""), level: "debug" }],
  ])("refuses %s", (_, value) => {
    expect(messageSchema.safeParse(value).success).toBe(false);
  });

  it("takes the least of each", () => {
    expect(
      messageSchema.safeParse(
        command(1, { idempotency_key: "x".repeat(16), retry: { attempt: 0, max_attempts: 1 }, priority: 0 }),
      ).success,
    ).toBe(true);
  });
});

describe("JSON Schema", () => {
  it.each([
    ["command", commandSchema],
    ["event", eventSchema],
    ["heartbeat", heartbeatSchema],
    ["log", logSchema],
    ["message", messageSchema],
    ["artifact", artifactSchema],
  ] as const)("can be made of %s, for readers and writers", (_, schema) => {
    for (const io of ["input", "output"] as const) {
      const text = JSON.stringify(z.toJSONSchema(schema as z.ZodType, { io }));
      expect(text).not.toContain('"additionalProperties":false');
      expect(text).toContain('"description"');
    }
  });
});
