import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { decodeMessage, type LedgerEvent, type Message } from "@holdfast/ledger";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { AgentHandler } from "./agent-context.ts";
import { AgentFailure } from "./agent-failure.ts";
import type { ServeResult } from "./agent-io.ts";
import { serveAgent } from "./serve-agent.ts";

let workspace = "";
beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), "holdfast-serve-"));
});
afterAll(() => rmSync(workspace, { recursive: true }));

const command = (more: object = {}): string =>
  `${JSON.stringify({
    kind: "command",
    message_id: "m",
    correlation_id: "c",
    task_id: "T-1",
    idempotency_key: `ik:${"0".repeat(64)}`,
    to: { agent_type: "builder" },
    action: "implement",
    inputs: {},
    expected_outputs: [],
    version: { snapshot_id: "snap-000000000000" },
    deadline: "2026-01-02T03:04:05.000000Z",
    retry: { attempt: 0, max_attempts: 1 },
    priority: 0,
    ...more,
  })}\n`;

class Served {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly messages: Message[] = [];
  readonly ended: Promise<ServeResult>;
  constructor(handle: AgentHandler, heartbeatIntervalMs = 0) {
    let rest = "";
    this.output.on("data", (chunk) => {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      this.messages.push(...lines.map((line) => decodeMessage(line)));
    });
    this.ended = serveAgent({
      type: "builder",
      handlers: { implement: handle },
      input: this.input,
      output: this.output,
      workspace,
      heartbeatIntervalMs,
    });
  }
  async all(text: string | Uint8Array): Promise<LedgerEvent[]> {
    this.input.end(text);
    assert.deepEqual(await this.ended, { reason: "end" });
    return this.messages.filter((message) => message.kind === "event");
  }
}

describe("serveAgent()", () => {
  it("does commands one after the other, also those that came with the end of input", async () => {
    const order: string[] = [];
    const served = new Served(async ({ command: { correlation_id }, complete, progress }) => {
      order.push(`start ${correlation_id}`);
      await progress({ step: 1 });
      await delay(10);
      order.push(`end ${correlation_id}`);
      await complete("builder.completed", { status: "success" });
    });
    const events = await served.all(command() + command({ correlation_id: "d" }).trimEnd());
    assert.deepEqual(order, ["start c", "end c", "start d", "end d"]);
    assert.deepEqual(
      events.map(({ event, correlation_id }) => `${event} ${correlation_id}`),
      ["builder.progress c", "builder.completed c", "builder.progress d", "builder.completed d"],
    );
  });

  it("computes artifacts, names them at the end, and refuses what is not a file of the workspace", async () => {
    writeFileSync(join(workspace, "a.txt"), "hello");
    symlinkSync("/etc/passwd", join(workspace, "link"));
    const refused: string[] = [];
    const served = new Served(async ({ artifact, complete }) => {
      await artifact("./a.txt");
      for (const path of ["../a.txt", "/etc/passwd", "link", ".", "", "a.txt\0", "missing"]) {
        await artifact(path).catch(() => refused.push(path));
      }
      await complete("builder.completed");
    });
    const [event] = await served.all(command());
    assert.equal(refused.length, 7);
    const sha256 = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert.deepEqual(event?.artifacts, [{ path: "a.txt", sha256, size: 5 }]);
  });

  it("turns what a handler throws, forgets or cannot send into an error event", async () => {
    const handlers: [AgentHandler, string][] = [
      [() => Promise.reject(new Error("broken")), "HANDLER_FAILED"],
      [() => Promise.reject(new AgentFailure("MINE", "own")), "MINE"],
      [() => {}, "NOT_COMPLETED"],
      [
        ({ complete }) => complete("builder.completed", { payload: { big: "x".repeat(300_000) } }),
        "HANDLER_FAILED",
      ],
    ];
    for (const [handle, code] of handlers) {
      const events = await new Served(handle).all(command());
      assert.deepEqual(
        events.map(({ event, payload }) => [event, payload["code"]]),
        [["error", code]],
      );
    }
    const [unknown] = await new Served(() => {}).all(command({ action: "dance" }));
    assert.equal(unknown?.payload["code"], "UNKNOWN_ACTION");
  });

  it("answers a broken command that says which one it is, and goes on after lines that do not", async () => {
    const served = new Served(({ complete }) => complete("builder.completed"));
    const broken = JSON.stringify({ kind: "command", correlation_id: "b", task_id: "T-1" });
    const text = `garbage\n\n[]\n"x"\n${"y".repeat(400_000)}\n${broken}\n${command()}`;
    const events = await served.all(text);
    assert.deepEqual(
      events.map(({ event, correlation_id }) => `${event} ${correlation_id}`),
      ["error b", "builder.completed c"],
    );
  });

  it("sends nothing more for half-done work when it is told to end", async () => {
    let aborted = false;
    const served = new Served(async ({ signal, complete }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      aborted = true;
      await complete("builder.completed");
    }, 5);
    served.input.write(command());
    await delay(50);
    process.emit("SIGTERM");
    assert.deepEqual(await served.ended, { reason: "signal" });
    assert.equal(aborted, true);
    assert.equal(served.messages.filter(({ kind }) => kind === "event").length, 0);
    const beats = served.messages.filter((message) => message.kind === "heartbeat");
    assert.equal(beats.at(-1)?.status, "stopping");
    assert.deepEqual(
      beats.map(({ seq }) => seq),
      beats.map((_, index) => index + 1),
    );
  });

  it("ends when nobody reads what it says any more", async () => {
    const served = new Served(async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    }, 5);
    served.input.write(command());
    await delay(20);
    served.output.destroy();
    assert.deepEqual(await served.ended, { reason: "closed" });
  });

  it("leaves no listener and no timer behind", async () => {
    const before = process.listenerCount("SIGTERM");
    await new Served(({ complete }) => complete("builder.completed"), 5).all(command());
    assert.equal(process.listenerCount("SIGTERM"), before);
  });
});
