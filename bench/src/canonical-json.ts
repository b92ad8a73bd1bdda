import { canonicalJson } from "@holdfast/idempotency";
import canonicalize from "canonicalize";
import { canonicalize as jsonCanonicalize } from "json-canonicalize";
// @ts-expect-error it has no types
import objectHash from "object-hash";
import { configure } from "safe-stable-stringify";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  pairedRatio,
} from "./harness.ts";

const safeStableStringify = configure({ deterministic: true });

/** What a ledger is made of: a command, with a list of files of random contents where it must be larger. */
function documentOf(bytes: number): unknown {
  let seed = 7;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const hex = (): string => Math.floor(random() * 2 ** 32).toString(16);
  const files: unknown[] = [];
  const document = {
    kind: "command",
    message_id: "01J8ZQ4W6T0000000000000000",
    correlation_id: "01J8ZQ4W6T0000000000000001",
    task_id: "task-a-1234abcd",
    to: { agent_type: "builder" },
    action: "implement",
    inputs: { goal: "Add a parser for RFC 3339 durations", round: 1 },
    expected_outputs: [{ path: "src/duration.mjs", required: true }],
    version: { snapshot_id: "snap-0123456789ab" },
    deadline: "2026-01-02T03:04:05.123456Z",
    retry: { attempt: 0, max_attempts: 3 },
    files,
  };
  for (let size = JSON.stringify(document).length; size < bytes; ) {
    const file = {
      path: `src/part-${hex()}/file.ts`,
      sha256: `sha256:${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}${hex()}`,
      size: Math.floor(random() * 1e6),
      score: random() * 100,
      note: random() < 0.3 ? 'a line\nand a "quoted" é' : "plain text of a few words",
      tags: ["a", "b"],
      ok: random() < 0.5,
    };
    files.push(file);
    size += JSON.stringify(file).length + 1;
  }
  return document;
}

/** For those whose answer is another one. */
function notCompared(candidate: Candidate): Candidate {
  return { ...candidate, result: () => undefined };
}

function candidatesFor(document: unknown, calls: number): Candidate[] {
  const candidate = (
    subject: string,
    kind: Candidate["kind"],
    write: (value: unknown) => string | undefined,
  ): Candidate => ({
    subject,
    kind,
    run: () => {
      let length = 0;
      let text: string | undefined;
      for (let i = 0; i < calls; i += 1) {
        text = write(document);
        // Makes the engine put together the text, which a caller that hashes or writes it would do.
        length += text?.charCodeAt(text.length >> 1) ?? 0;
      }
      return Number.isNaN(length) ? undefined : text;
    },
  });
  return [
    candidate("@holdfast/idempotency canonicalJson", "ours", canonicalJson),
    candidate("canonicalize", "peer", canonicalize),
    candidate("json-canonicalize", "peer", jsonCanonicalize),
    candidate("safe-stable-stringify", "peer", safeStableStringify),
    // It hashes as well, and its text is its own.
    notCompared(
      candidate("object-hash", "peer", (value) => objectHash(value ?? null, { algorithm: "sha256" })),
    ),
    notCompared(candidate("JSON.stringify (order as given)", "limit", JSON.stringify)),
  ];
}

export const benchmark: Benchmark = {
  name: "canonical-json",
  async run({ quick }) {
    const rows: BenchmarkRow[] = [];
    for (const [job, bytes, calls, least] of [
      ["500 B", 500, 2000, 1.5],
      ["20 KB", 20_000, 60, 1.5],
      ["2 MB", 2_000_000, 1, 1 / 1.1],
    ] as const) {
      const document = documentOf(bytes);
      const measured = await compareInTurn(candidatesFor(document, calls), {
        rounds: quick ? 5 : 31,
        warmup: quick ? 2 : 8,
      });
      const [ours, canonicalizes] = measured;
      const limit = measured.at(-1);
      if (ours === undefined || canonicalizes === undefined || limit === undefined) continue;
      const times = pairedRatio(canonicalizes, ours);
      for (const one of measured) {
        rows.push({
          job,
          subject: one.subject,
          kind: one.kind,
          median: (one.median * 1000) / calls,
          unit: "us/call",
          ratio: pairedRatio(one, limit),
          ...(one.subject === ours.subject
            ? {
                goal:
                  least > 1
                    ? `at least ${least} times as fast as canonicalize`
                    : "within a tenth of canonicalize",
                met: times >= least,
                note: `${times.toFixed(2)} times as fast as canonicalize`,
              }
            : {}),
          ...(one.subject === "object-hash" ? { note: "hashes as well" } : {}),
        });
      }
    }
    return { name: "canonical-json", rows, environment: environment() };
  },
};
