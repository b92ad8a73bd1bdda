import type { LedgerRecord } from "@holdfast/ledger";
import type { WorkflowConfig } from "../config/schema.ts";
import { flowOf } from "../flow/flow.ts";
import { RunProgress } from "../flow/progress.ts";
import { startedProcess } from "../supervisor/agent-log.ts";
import type { ProcessIdentity } from "../supervisor/process-identity.ts";
import { sentAt } from "./plan-command.ts";

/** Everything about a run that follows from the lines of its ledger. It grows with the steps of a run, not with its lines. */
export class RunStory {
  readonly progress: RunProgress;
  /** When each step's first command was written, RFC 3339. */
  readonly startedAt: Map<number, string>;
  /** The agents that were started since the machine was, by boot and number. */
  readonly processes: Map<string, ProcessIdentity>;
  readonly #config: WorkflowConfig;

  constructor(
    config: WorkflowConfig,
    before: {
      readonly progress: RunProgress;
      readonly startedAt: Iterable<readonly [number, string]>;
      readonly processes: readonly ProcessIdentity[];
    } = { progress: new RunProgress(flowOf(config)), startedAt: [], processes: [] },
  ) {
    this.#config = config;
    this.progress = before.progress;
    this.startedAt = new Map(before.startedAt);
    this.processes = new Map(before.processes.map((each) => [nameOf(each), each]));
  }

  /** Takes in the next line. */
  apply(record: LedgerRecord): void {
    const { message } = record;
    this.progress.apply(record);
    if (message.kind === "command") {
      const step = this.progress.current;
      if (step !== undefined && !this.startedAt.has(step.step))
        this.startedAt.set(step.step, sentAt(this.#config, message));
    } else if (message.kind === "log") {
      const started = startedProcess(message);
      if (started !== undefined) this.#sawProcess(started);
    }
  }

  #sawProcess(started: ProcessIdentity): void {
    // Of those before a restart of the machine none is left.
    for (const [name, { boot_id: boot }] of this.processes)
      if (boot !== started.boot_id) this.processes.delete(name);
    this.processes.set(nameOf(started), started);
  }
}

const nameOf = ({ boot_id: boot, pid }: ProcessIdentity): string => `${boot} ${pid}`;
