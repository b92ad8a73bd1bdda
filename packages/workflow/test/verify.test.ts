import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type FileStore, fileStore } from "@holdfast/storage";
import { describe, it } from "vitest";
import { type RunFinding, verifyRun } from "../src/index.ts";
import { usualAnswers } from "./scripted-agents.ts";
import { World } from "./world.ts";

/** A completed run on files, and what is needed to damage it. */
class Kept implements AsyncDisposable {
  readonly world = new World(usualAnswers, undefined, (folder) => fileStore(folder));
  readonly root = join(this.world.folder, "store");

  async run(): Promise<void> {
    const result = await this.world.run();
    assert.equal(result.status, "completed");
    await this.world.store.close();
  }

  /** Stops the run in its second step. */
  async interrupt(): Promise<void> {
    const controller = new AbortController();
    const result = await this.world.run({
      signal: controller.signal,
      onMessage: (message) => {
        if ("progress" in message && message.progress.kind === "receipt") controller.abort();
      },
    });
    assert.equal(result.status, "aborted");
    await this.world.store.close();
  }

  get ledgerPath(): string {
    return join(this.root, "runs", this.world.runId, "ledger.ndjson");
  }

  changeLedger(change: (lines: string[]) => string[]): void {
    const lines = readFileSync(this.ledgerPath, "utf8").split("\n").slice(0, -1);
    writeFileSync(
      this.ledgerPath,
      change(lines)
        .map((line) => `${line}\n`)
        .join(""),
    );
  }

  changeDocument(key: string, change: (value: Record<string, unknown>) => void): string {
    const path = join(this.root, "runs", this.world.runId, `${key}.json`);
    const value = JSON.parse(readFileSync(path, "utf8"));
    change(value);
    delete value.document_sha256; // as one who knows what he does; a broken seal would be told of alone
    writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
    return path;
  }

  async verify(): Promise<RunFinding[]> {
    await using store: FileStore = fileStore(this.root);
    return await verifyRun(store, this.world.runId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.store.close();
    this.world[Symbol.dispose]();
  }
}

const brief = (findings: readonly RunFinding[]) =>
  findings.map(({ severity, kind, line }) => [severity, kind, line]);

describe("verifyRun()", () => {
  it.each<[string, (lines: string[]) => string[], number]>([
    ["edited", (lines) => lines.with(3, (lines[3] ?? "").replace("success", "failure")), 4],
    ["removed", (lines) => lines.toSpliced(4, 1), 5],
    ["reordered", (lines) => [...lines.slice(0, 6), lines[7] ?? "", lines[6] ?? "", ...lines.slice(8)], 7],
    ["inserted", (lines) => lines.toSpliced(4, 0, (lines[4] ?? "").replace("id-", "id-x")), 5],
  ])("finds a ledger line that was %s, and names file and line", async (what, change, line) => {
    await using kept = new Kept();
    await kept.run();
    kept.changeLedger(change);
    const [first] = (await kept.verify()).filter((finding) => finding.kind === "chain");
    assert.deepEqual([first?.severity, first?.line], ["error", line]);
    assert.ok(first?.place.includes("ledger.ndjson"), first?.place);
    assert.ok((first?.meaning ?? "").length > 20, what);
  });

  it("finds a ledger whose end was cut off", async () => {
    await using kept = new Kept();
    await kept.run();
    kept.changeLedger((lines) => lines.slice(0, 9));
    const findings = await kept.verify();
    assert.ok(findings.some(({ kind, message }) => kind === "chain" && message.startsWith("truncated")));
    assert.ok(findings.some(({ kind }) => kind === "state"));
  });

  it.each<[string, (lines: string[]) => string[]]>([
    ["was cut off", (lines) => lines.slice(0, 4)],
    ["was changed", (lines) => lines.with(1, (lines[1] ?? "").replace("make a", "make b"))],
  ])("is no use for a resume: one of a ledger that %s sends nothing", async (_, change) => {
    await using kept = new Kept();
    await kept.interrupt();
    kept.changeLedger(change);
    await using store = fileStore(kept.root);
    const sent = kept.world.agents.sent.length;
    await assert.rejects(kept.world.resume({ store }), { code: "WORKFLOW_RUN_DAMAGED" });
    assert.equal(kept.world.agents.sent.length, sent);
    await assert.rejects(kept.world.resume({ store }), { code: "WORKFLOW_RUN_DAMAGED" });
  });

  it("is no use for a resume: one of a completed run whose state says otherwise sends nothing", async () => {
    await using kept = new Kept();
    await kept.run();
    kept.changeDocument("run", (state) => {
      state["status"] = "running";
    });
    await using store = fileStore(kept.root);
    await assert.rejects(kept.world.resume({ store }), {
      code: "WORKFLOW_RUN_DAMAGED",
      message: /completed, but its state/,
    });
  });

  it("finds an artifact that was changed or removed after its receipt", async () => {
    await using kept = new Kept();
    await kept.run();
    writeFileSync(join(kept.world.workspace, "src", "a.mjs"), "changed\n");
    rmSync(join(kept.world.workspace, "specs", "a.md"));
    const findings = await kept.verify();
    assert.deepEqual(brief(findings), [
      ["error", "artifact", undefined],
      ["error", "artifact", undefined],
    ]);
    assert.deepEqual(
      findings.map((finding) => finding.place),
      [join(kept.world.workspace, "src/a.mjs"), join(kept.world.workspace, "specs/a.md")],
    );
    assert.match(findings[0]?.message ?? "", /receipts\/T-1\/step-3\.json/);
    assert.deepEqual(
      await (async () => {
        await using store = fileStore(kept.root);
        return await verifyRun(store, kept.world.runId, { workspace: null });
      })(),
      [],
    );
  });

  it("finds a receipt that was changed, removed or does not belong", async () => {
    await using kept = new Kept();
    await kept.run();
    kept.changeDocument("receipts/T-1/step-1", (receipt) => {
      receipt["artifacts"] = [];
    });
    kept.changeDocument("receipts/T-1/step-2", (receipt) => {
      receipt["idempotency_key"] = `ik:${"0".repeat(64)}`;
    });
    const gone = kept.changeDocument("receipts/T-1/step-3", () => {});
    rmSync(gone);
    const findings = (await kept.verify()).filter((finding) => finding.kind === "receipt");
    const places = findings.map((finding) => Number(/step-(\d)/.exec(finding.place)?.[1]));
    assert.deepEqual(
      places.toSorted((a, b) => a - b),
      [1, 2, 2, 3],
    );
    assert.ok(findings.every((finding) => finding.severity === "error"));
  });

  it("finds a receipt and a run state that cannot be read", async () => {
    await using kept = new Kept();
    await kept.run();
    const path = kept.changeDocument("receipts/T-1/step-2", () => {});
    writeFileSync(path, "{");
    const [finding] = await kept.verify();
    assert.deepEqual([finding?.kind, finding?.place.endsWith("step-2.json")], ["unreadable", true]);
  });

  it("finds a run state that says more than its ledger", async () => {
    await using kept = new Kept();
    await kept.interrupt();
    kept.changeDocument("run", (state) => {
      state["status"] = "completed";
    });
    assert.ok((await kept.verify()).some(({ kind, severity }) => kind === "state" && severity === "error"));
  });

  it.each<[string, (state: Record<string, unknown>) => void]>([
    ["a status", (state) => Object.assign(state, { status: "running" })],
    ["another status", (state) => Object.assign(state, { status: "aborted" })],
    ["a stage", (state) => Object.assign(state, { current_stage: "review" })],
    ["a last word", (state) => Object.assign(state, { terminal_events: { builder: "nobody-said-it" } })],
  ])("finds %s that was changed in the state of a completed run", async (_, change) => {
    await using kept = new Kept();
    await kept.run();
    assert.deepEqual(await kept.verify(), []);
    kept.changeDocument("run", change);
    const findings = await kept.verify();
    assert.deepEqual(brief(findings), [["error", "state", undefined]]);
    assert.ok(findings[0]?.place.endsWith("run.json"), findings[0]?.place);
  });

  it.each<[string, (receipt: Record<string, unknown>) => void]>([
    ["an action", (receipt) => Object.assign(receipt, { action: "review" })],
    ["events", (receipt) => Object.assign(receipt, { events: ["nobody-said-it"] })],
  ])("finds a receipt that claims %s the ledger does not have", async (_, change) => {
    await using kept = new Kept();
    await kept.run();
    kept.changeDocument("receipts/T-1/step-1", change);
    assert.deepEqual(brief(await kept.verify()), [["error", "receipt", undefined]]);
  });

  it("finds a snapshot and a content that were damaged or removed", async () => {
    await using kept = new Kept();
    await kept.run();
    const objects = join(kept.root, "objects");
    const [object] = readdirSync(objects, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    assert.ok(object);
    const path = join(object.parentPath, object.name);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    writeFileSync(path, bytes);
    const snapshots = join(kept.root, "snapshots");
    const [manifest = ""] = readdirSync(snapshots);
    rmSync(join(snapshots, manifest));
    const findings = await kept.verify();
    assert.deepEqual(findings.map(({ kind }) => kind).toSorted(), ["content", "snapshot"]);
    assert.equal(findings.find(({ kind }) => kind === "content")?.place, relative(kept.root, path));
    assert.ok(findings.find(({ kind }) => kind === "snapshot")?.place.endsWith(manifest));
  });

  it("finds a key that does not stand for its command, in a ledger whose chain was made anew", async () => {
    await using kept = new Kept();
    const { createSupervisor } = kept.world.agents;
    await kept.world.run({
      createSupervisor: (options) => ({
        ...createSupervisor(options),
        execute: async (agent, command) => {
          await options.record({ ...command, message_id: "forged", inputs: { goal: "something else" } });
          return createSupervisor(options).execute(agent, command);
        },
      }),
    });
    await kept.world.store.close();
    const findings = (await kept.verify()).filter(({ kind }) => kind === "key");
    assert.deepEqual(brief(findings).slice(0, 1), [["error", "key", 3]]);
  });
});
