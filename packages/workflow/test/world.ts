import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "@holdfast/ledger";
import { memoryStore, type Store } from "@holdfast/storage";
import {
  parseWorkflowConfig,
  type RunWorkflowOptions,
  resumeWorkflow,
  runWorkflow,
  type WorkflowConfig,
  type WorkflowResult,
} from "../src/index.ts";
import { type Answer, scriptedAgents, usualAnswers } from "./scripted-agents.ts";

const POLICY = "{ retry: { max_attempts: 3, backoff: { initial_ms: 0, max_ms: 0 } } }";

/** A workspace, a store and agents, in this process. */
export class World implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "holdfast-workflow-"));
  readonly workspace = join(this.folder, "work");
  readonly store: Store;
  runId = "run-20260102-030405-00000001";
  readonly agents: ReturnType<typeof scriptedAgents>;
  config: WorkflowConfig;
  #ids = 0;
  #now = 1_767_323_045_000_000n;

  constructor(
    answer: (command: Command, nth: number) => Answer = usualAnswers,
    policy = POLICY,
    openStore: (folder: string) => Store = () => memoryStore(),
  ) {
    this.store = openStore(join(this.folder, "store"));
    mkdirSync(join(this.workspace, "src"), { recursive: true });
    writeFileSync(join(this.workspace, "src", "old.mjs"), "old\n");
    this.config = this.parse(policy);
    this.agents = scriptedAgents(this.workspace, answer, () => this.newId());
  }

  parse(policy = POLICY, rest = ""): WorkflowConfig {
    const text = `{ name: test, workspace: work, policy: ${policy}, agents: { builder: { cmd: [x] }, reviewer: { cmd: [x] }, spec_maintainer: { cmd: [x] } }, tasks: [{ id: T-1, goal: make a, expected_outputs: [{ path: src/a.mjs }] }] ${rest} }`;
    return parseWorkflowConfig(text, { path: join(this.folder, "flow.yaml"), env: {} });
  }

  newId(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  get common() {
    return {
      newId: () => this.newId(),
      clock: () => (this.#now += 1_000n),
      random: () => 0.5,
      env: {},
      createSupervisor: this.agents.createSupervisor,
    };
  }

  run(options: Partial<RunWorkflowOptions> = {}): Promise<WorkflowResult> {
    return runWorkflow({
      config: this.config,
      store: this.store,
      runId: this.runId,
      ...this.common,
      ...options,
    });
  }

  resume(options: Partial<RunWorkflowOptions> = {}): Promise<WorkflowResult> {
    return resumeWorkflow(this.runId, { store: this.store, ...this.common, ...options });
  }

  /** Every file of the workspace with its content. */
  files(): Record<string, string> {
    const names = readdirSync(this.workspace, { recursive: true, withFileTypes: true });
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return Object.fromEntries(
      files.toSorted().map((path) => [path.slice(this.workspace.length + 1), readFileSync(path, "utf8")]),
    );
  }

  async ledger(): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of this.store.logs.read(`runs/${this.runId}/ledger`)) lines.push(line.text);
    return lines;
  }

  async transcript(): Promise<string[]> {
    const lines: string[] = [];
    for await (const line of this.store.logs.read(`runs/${this.runId}/transcript`)) lines.push(line.text);
    return lines;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
