import { memoryStore } from "@holdfast/storage";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { command, event, heartbeat, log } from "../test/messages.ts";
import {
  type LedgerSummary,
  type Message,
  openLedger,
  type Settlement,
  type SummarizeOptions,
} from "./index.ts";

async function summary(
  messages: readonly Message[],
  options?: SummarizeOptions,
  terminalEvents: readonly string[] = [],
): Promise<LedgerSummary> {
  await using store = memoryStore();
  await using ledger = await openLedger(store, "r", { terminalEvents });
  await Promise.all(messages.map((message) => ledger.append(message)));
  return await ledger.summarize(options);
}

const done = (n: number, change = {}): Message => event(n, "builder.completed", change);
const pendingIds = ({ pending }: LedgerSummary): string[] =>
  pending.map(({ correlationId }) => correlationId);

describe("summarize()", () => {
  it("a command is pending until a terminal event with its correlation id follows it", async () => {
    expect(pendingIds(await summary([command(1), command(2), done(2)]))).toEqual(["corr-1"]);
    expect(pendingIds(await summary([done(1), command(1)]))).toEqual(["corr-1"]);
    expect(pendingIds(await summary([command(1), event(1, "builder.progress")]))).toEqual(["corr-1"]);
    expect(pendingIds(await summary([command(1), event(1, "error")]))).toEqual([]);
  });

  it("a correlation id that several commands share is settled by a terminal event after the last of them", async () => {
    const again = command(1, { message_id: "cmd-1b" });
    expect(pendingIds(await summary([command(1), done(1), again]))).toEqual(["corr-1"]);
    expect(pendingIds(await summary([command(1), again, done(1)]))).toEqual([]);
    const open = await summary([command(1), log("x"), again]);
    expect(open.pending).toMatchObject([{ firstSeq: 1, lines: 2, command: { seq: 3, message: again } }]);
    expect((await summary([command(1), done(1), again])).pending).toMatchObject([{ firstSeq: 3, lines: 1 }]);
  });

  it("takes the terminal events a config declares", async () => {
    const messages = [command(1), event(1, "deploy.finished")];
    expect(pendingIds(await summary(messages))).toEqual(["corr-1"]);
    expect(pendingIds(await summary(messages, {}, ["deploy.finished"]))).toEqual([]);
  });

  it("counts, and names the last of each", async () => {
    const reviewer = { agent_type: "reviewer" };
    const found = await summary([
      command(1),
      heartbeat(1),
      heartbeat(2, { status: "ready" }),
      event(1, "builder.progress"),
      done(1),
      done(1, { message_id: "twice" }),
      command(2),
      event(2, "review.completed", { from: reviewer, status: "approved" }),
      log("x"),
      heartbeat(3),
    ]);
    expect(found).toEqual({
      lines: 10,
      counts: { command: 2, event: 4, heartbeat: 3, log: 1 },
      unchained: false,
      pending: [],
      settled: 2,
      unmatched: 1,
      terminalCounts: { "builder.completed": 2, "review.completed": 1 },
      terminalEvents: { builder: "twice", reviewer: "evt-2-review.completed" },
      lastCommandId: "cmd-2",
      lastEventId: "evt-2-review.completed",
      agents: [
        {
          agentType: "reviewer",
          agentId: undefined,
          seq: 8,
          kind: "event",
          at: "2026-01-02T03:04:05.123456Z",
          messageId: "evt-2-review.completed",
          event: "review.completed",
          status: "approved",
        },
        {
          agentType: "builder",
          agentId: "builder-1",
          seq: 10,
          kind: "heartbeat",
          at: "2026-01-02T03:04:05.123456Z",
          messageId: undefined,
          event: undefined,
          status: "busy",
        },
      ],
    });
  });

  it("tells of terminal events as they go by, with the command they settle", async () => {
    const told: Settlement[] = [];
    await summary([command(1), done(1), done(1, { message_id: "twice" }), done(7)], {
      onTerminal: (settlement) => {
        told.push(settlement);
      },
    });
    expect(
      told.map(({ correlationId, event: { seq }, command: settled }) => [correlationId, seq, settled?.seq]),
    ).toEqual([
      ["corr-1", 2, 1],
      ["corr-1", 3, undefined],
      ["corr-7", 4, undefined],
    ]);
  });

  it("says the same as the rule read from the whole list", async () => {
    const step = fc.record({ n: fc.nat(3), what: fc.constantFrom("command", "terminal", "other") });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const messages = steps.map(({ n, what }) =>
          what === "command" ? command(n) : what === "terminal" ? done(n) : event(n, "builder.progress"),
        );
        const found = await summary(messages);
        const ids = new Set(
          messages.flatMap((message) => (message.kind === "command" ? [message.correlation_id] : [])),
        );
        const pending = [...ids].filter((id) => {
          const is = (message: Message, kind: string): boolean =>
            message.kind === kind &&
            message["correlation_id"] === id &&
            message["event"] !== "builder.progress";
          return (
            messages.findLastIndex((m) => is(m, "command")) > messages.findLastIndex((m) => is(m, "event"))
          );
        });
        expect(pendingIds(found).toSorted()).toEqual(pending.toSorted());
      }),
      { numRuns: 200 },
    );
  });
});
