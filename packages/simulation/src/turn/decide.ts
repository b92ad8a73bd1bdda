import type { Json } from "@holdfast/storage";
import type { AgentConfig, SimulationConfig } from "../config/schema.ts";
import type { AgentView, SimulationState, Verdict } from "../engine/engine.ts";
import type { Parts } from "../engine/parts.ts";
import { reasonOf, SimulationError } from "../errors.ts";
import { deepFreeze, plainJson } from "../state/plain-json.ts";
import type { Turn } from "./turn.ts";

/** What reached the engine. */
export interface Decisions {
  readonly decisions: ReadonlyMap<string, Json>;
  readonly actions: ReadonlyMap<string, string>;
}

interface Decided {
  readonly agent: AgentConfig;
  readonly view: AgentView;
  readonly decision: Json;
}

const NONE: Decisions = { decisions: new Map(), actions: new Map() };

/**
 * Lets the agents decide, all at the same time, and the validator check what they decided, in the order of the config. What is refused is told
 * in the stream and goes no further.
 *
 * @throws {SimulationError} `SIMULATION_AGENT_FAILED`, `SIMULATION_VALIDATOR_FAILED`.
 */
export async function decide(
  parts: Parts,
  config: SimulationConfig,
  state: SimulationState,
  turn: Turn,
): Promise<Decisions> {
  const deciding = config.agents.filter(({ name }) => parts.agents.has(name));
  if (deciding.length === 0) return NONE;
  // One copy for all of them that none can change: the engine may change the state it gets.
  const seen = deepFreeze(structuredClone(state) as Json) as SimulationState;
  const outcomes = await Promise.allSettled(
    deciding.map((agent) => decideOne(parts, { turn: turn.number, state: seen, agent, config }, turn)),
  );
  const decisions = new Map<string, Json>();
  const actions = new Map<string, string>();
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") throw outcome.reason;
    if (outcome.value === undefined) continue;
    const { agent, decision } = outcome.value;
    const action = await checkAndTell(parts, outcome.value, turn);
    if (action === "refused") continue;
    decisions.set(agent.name, decision);
    if (action !== undefined) actions.set(agent.name, action);
  }
  return { decisions, actions };
}

async function decideOne(parts: Parts, view: AgentView, turn: Turn): Promise<Decided | undefined> {
  const { agent } = view;
  try {
    const decided = await parts.agents.get(agent.name)?.decide(view, turn.agentContext(agent.name));
    if (decided === undefined || decided === null) return undefined;
    return { agent, view, decision: plainJson(decided, "decision") };
  } catch (error) {
    throw new SimulationError(
      "SIMULATION_AGENT_FAILED",
      `Cannot make turn ${turn.number}: agent "${agent.name}" failed: ${reasonOf(error)}`,
      { path: agent.module ?? agent.name, cause: error },
    );
  }
}

/** The id of the action's event where it is kept; `refused` when the decision goes no further. */
async function checkAndTell(parts: Parts, decided: Decided, turn: Turn): Promise<string | undefined> {
  const { agent, decision, view } = decided;
  const kind = kindOf(decision);
  const made = turn.emit({
    event_type: "DECISION",
    agent_id: agent.name,
    details: { decision_type: kind, new_value: decision },
  });
  const causes = made === undefined ? {} : { caused_by: [made] };
  const verdict = await verdictOn(parts, decision, view, turn);
  if (verdict === true || verdict.valid) {
    return turn.emit({
      event_type: "ACTION",
      agent_id: agent.name,
      ...causes,
      details: { action_type: kind, action_payload: decision },
    });
  }
  turn.emit({
    event_type: "SYSTEM",
    ...causes,
    description: `The decision of ${agent.name} was refused: ${verdict.reason}`.slice(0, 250),
    details: {
      status: "failed",
      error_type: "decision_refused",
      agent: agent.name,
      reason: verdict.reason,
      decision,
    },
  });
  return "refused";
}

/** What a decision calls itself. */
function kindOf(decision: Json): string {
  if (typeof decision !== "object" || decision === null || Array.isArray(decision)) return "decision";
  const { type, action } = decision as { readonly [key: string]: Json };
  for (const name of [type, action])
    if (typeof name === "string" && name.length > 0 && name.length <= 200) return name;
  return "decision";
}

async function verdictOn(parts: Parts, decision: Json, view: AgentView, turn: Turn): Promise<Verdict> {
  const fault = (reason: string, cause?: unknown): SimulationError =>
    new SimulationError(
      "SIMULATION_VALIDATOR_FAILED",
      `Cannot make turn ${turn.number}: the validator failed on the decision of "${view.agent.name}": ${reason}`,
      { path: view.agent.name, cause },
    );
  let verdict: unknown;
  try {
    verdict = await parts.validator.validate(deepFreeze(structuredClone(decision)), view);
  } catch (error) {
    throw fault(reasonOf(error), error);
  }
  if (verdict === true) return true;
  if (typeof verdict === "object" && verdict !== null && "valid" in verdict) {
    if (verdict.valid === true) return true;
    if (verdict.valid === false) {
      const reason =
        "reason" in verdict && typeof verdict.reason === "string" ? verdict.reason : "no reason given";
      return { valid: false, reason };
    }
  }
  throw fault("it gives true, or { valid: false, reason }");
}
