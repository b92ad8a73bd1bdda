import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobManifest } from "@holdfast/task-store";
import { type Finished, Place } from "./command.ts";

const agent = (type: string) => ({
  cmd: ["holdfast", "mock-agent", "--type", type, "--script", "script.json"],
});

/** A folder with a configuration of two mock agents, for jobs: the worker makes a file. */
export class JobPlace extends Place {
  constructor(name: string, given: { readonly delayMs?: number; readonly implement?: unknown } = {}) {
    super(name);
    mkdirSync(this.path("work", "src"), { recursive: true });
    const delay = { delay_ms: given.delayMs ?? 0 };
    const done = { outcome: "COMPLETED", summary: "made a", cost: 0.2, evidence: ["src/a.txt"] };
    const responses = {
      implement: given.implement ?? {
        ...delay,
        events: [
          { type: "artifact.produced", artifacts: [{ path: "src/a.txt", content: "a\n" }] },
          { type: "builder.completed", payload: done },
        ],
      },
      review: {
        ...delay,
        events: [{ type: "review.completed", status: "approved", payload: { cost: 0.01 } }],
      },
    };
    writeFileSync(this.path("script.json"), JSON.stringify({ responses }));
    const config = {
      name: "jobs",
      workspace: "work",
      policy: { retry: { max_attempts: 2, backoff: { initial_ms: 1, max_ms: 1, jitter: "none" } } },
      agents: { builder: agent("builder"), reviewer: agent("reviewer") },
    };
    writeFileSync(this.path("jobs.yaml"), JSON.stringify(config));
  }

  job(...args: string[]): Finished {
    return this.holdfast(["job", ...args]);
  }

  /** Runs a command that has to end well; what it prints as JSON. */
  done(...args: string[]): Record<string, unknown> {
    const { status, stdout, stderr } = this.job(...args, "--json");
    assert.equal(status, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  activated(id = "J"): void {
    this.done("create", "--description", "make a", "--config", "jobs.yaml", "--id", id);
    this.done("activate", id);
  }

  manifestPath(id = "J"): string {
    return join(this.store, "jobs", id, "job_manifest.json");
  }

  manifest(id = "J"): JobManifest {
    return JSON.parse(readFileSync(this.manifestPath(id), "utf8")) as JobManifest;
  }

  /** Starts a command, and waits until an agent is at work on its `nth` command of the store. */
  async working(args: readonly string[], nth: number): Promise<ReturnType<Place["start"]>> {
    const started = this.start(["job", ...args]);
    for (let waited = 0; waited < 30_000; waited += 20) {
      if (this.commands().length >= nth) return started;
      await sleep(20);
    }
    throw new Error("no agent was asked");
  }

  /** Commands in the ledgers of all runs. */
  commands(): { readonly action: string; readonly key: string }[] {
    return this.runs().flatMap((run) => {
      const path = this.ledgerPath(run);
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
      return lines
        .map((line) => JSON.parse(line) as { kind: string; action: string; idempotency_key: string })
        .filter(({ kind }) => kind === "command")
        .map(({ action, idempotency_key: key }) => ({ action, key }));
    });
  }

  /** Starts a step and kills it while its agent works. */
  async killed(args: readonly string[], nth: number): Promise<void> {
    const { child, ended } = await this.working(args, nth);
    child.kill("SIGKILL");
    assert.equal((await ended).signal, "SIGKILL");
  }
}
