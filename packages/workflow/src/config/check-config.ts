import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type ConfigFinding, nearestName } from "@holdfast/config";
import { DONE, FAILED, flowOf, KNOWN_ACTIONS } from "../flow/flow.ts";
import { codeOf } from "../unknown-value.ts";
import { type Environment, expandVariables } from "./environment.ts";
import type { FlowConfig, WorkflowConfig } from "./schema.ts";

const RESERVED_INPUTS = ["goal", "feedback", "round"];
/** Events that tell of progress: if they ended a step, every step that reports progress would end early. */
const PROGRESS_EVENTS = ["builder.progress", "artifact.produced"];

const list = (names: readonly string[]): string => names.join(", ");
const hint = (name: string, known: readonly string[]): string => {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `known are ${list(known)}` : `did you mean "${nearest}"?`;
};
const quoted = (text: string): string => JSON.stringify(text);

function* checkStages(flow: FlowConfig, agents: readonly string[]): Generator<ConfigFinding> {
  const names = Object.keys(flow.stages);
  const targets = [...names, DONE, FAILED];
  for (const [name, stage] of Object.entries(flow.stages)) {
    const path = ["flow", "stages", name];
    if (name === DONE || name === FAILED) {
      yield {
        path,
        found: name,
        allowed: "any other name",
        message: `${quoted(name)} is an end of the flow and cannot be a stage`,
      };
    }
    if (!agents.includes(stage.agent)) {
      yield {
        path: [...path, "agent"],
        found: stage.agent,
        allowed: list(agents),
        message: `no agent ${quoted(stage.agent)}; ${hint(stage.agent, agents)}`,
      };
    }
    for (const [event, target] of Object.entries(stage.on)) {
      if (PROGRESS_EVENTS.includes(event.split("/", 1)[0] ?? event)) {
        yield {
          path: [...path, "on", event],
          found: event,
          allowed: "an event that ends a step",
          message: `${quoted(event)} tells of progress and cannot end a step`,
        };
      }
      if (!targets.includes(target)) {
        yield {
          path: [...path, "on", event],
          found: target,
          allowed: list(targets),
          message: `no stage ${quoted(target)}; ${hint(target, targets)}`,
        };
      }
    }
  }
}

function reachable(flow: FlowConfig): ReadonlySet<string> {
  const reached = new Set([flow.start]);
  for (const name of reached)
    for (const target of Object.values(flow.stages[name]?.on ?? {})) reached.add(target);
  return reached;
}

function* checkFlow(flow: FlowConfig, agents: readonly string[]): Generator<ConfigFinding> {
  const names = Object.keys(flow.stages);
  if (!names.includes(flow.start)) {
    yield {
      path: ["flow", "start"],
      found: flow.start,
      allowed: list(names),
      message: `no stage ${quoted(flow.start)}; ${hint(flow.start, names)}`,
    };
    return;
  }
  const broken = [...checkStages(flow, agents)];
  yield* broken;
  if (broken.length > 0) return;
  const reached = reachable(flow);
  for (const name of names) {
    if (!reached.has(name)) {
      yield {
        path: ["flow", "stages", name],
        found: name,
        allowed: `a stage that ${quoted(flow.start)} leads to`,
        message: `stage ${quoted(name)} is never reached from ${quoted(flow.start)}`,
      };
    }
  }
  if (!reached.has(DONE)) {
    yield {
      path: ["flow"],
      found: list([...reached]),
      allowed: `a way to ${quoted(DONE)}`,
      message: `no stage leads to ${quoted(DONE)}: the run could never complete`,
    };
  }
}

function* checkTasks(config: WorkflowConfig): Generator<ConfigFinding> {
  const seen = new Set<string>();
  for (const [index, task] of config.tasks.entries()) {
    if (seen.has(task.id)) {
      yield {
        path: ["tasks", index, "id"],
        found: task.id,
        allowed: "an id no other task has",
        message: `task id ${quoted(task.id)} is used twice`,
      };
    }
    seen.add(task.id);
    for (const name of RESERVED_INPUTS) {
      if (Object.hasOwn(task.inputs, name)) {
        yield {
          path: ["tasks", index, "inputs", name],
          found: name,
          allowed: `any name but ${list(RESERVED_INPUTS)}`,
          message: `input ${quoted(name)} is set by the workflow itself`,
        };
      }
    }
    for (const [place, output] of task.expected_outputs.entries()) {
      const parts = output.path.split("/");
      if (output.path.startsWith("/") || output.path.includes("\\") || parts.includes("..")) {
        yield {
          path: ["tasks", index, "expected_outputs", place, "path"],
          found: output.path,
          allowed: "a path inside the workspace",
          message: `${quoted(output.path)} leaves the workspace`,
        };
      }
    }
  }
}

function* checkAgents(config: WorkflowConfig, environment: Environment): Generator<ConfigFinding> {
  const actions =
    config.flow === undefined ? [] : Object.values(config.flow.stages).map((stage) => stage.action);
  const known = [...new Set([...KNOWN_ACTIONS, ...actions])];
  for (const [name, agent] of Object.entries(config.agents)) {
    if (name === "orchestrator") {
      yield {
        path: ["agents", name],
        found: name,
        allowed: "any other name",
        message: '"orchestrator" is the workflow itself and cannot be an agent',
      };
    }
    for (const action of Object.keys(agent.timeouts_s)) {
      if (!known.includes(action)) {
        yield {
          path: ["agents", name, "timeouts_s", action],
          found: action,
          allowed: list(known),
          message: `no action ${quoted(action)}; ${hint(action, known)}`,
        };
      }
    }
    for (const [variable, value] of Object.entries(agent.env)) {
      const expanded = expandVariables(value, environment);
      if (!("problem" in expanded)) continue;
      const { problem } = expanded;
      const message =
        problem.kind === "missing"
          ? `environment variable ${quoted(problem.name)} is not set`
          : `${quoted(problem.text)} is not a variable; write \${NAME}, or $\${ for the characters themselves`;
      yield {
        path: ["agents", name, "env", variable],
        found: problem.kind === "missing" ? `\${${problem.name}}` : problem.text,
        allowed: "a variable that is set",
        message,
      };
    }
  }
}

function* checkWorkspace(config: WorkflowConfig, configDir: string): Generator<ConfigFinding> {
  const folder = resolve(configDir, config.workspace);
  let state = "is not there";
  try {
    if (statSync(folder).isDirectory()) return;
    state = "is not a folder";
  } catch (error) {
    if (codeOf(error) !== "ENOENT") state = `cannot be read (${codeOf(error)})`;
  }
  yield {
    path: ["workspace"],
    found: config.workspace,
    allowed: "a folder that exists",
    message: `workspace ${quoted(folder)} ${state}`,
  };
}

/** What is wrong with workspace, agents and tasks, whatever they are used for. */
export function checkParts(
  config: WorkflowConfig,
  configDir: string,
  environment: Environment,
): readonly ConfigFinding[] {
  return [...checkWorkspace(config, configDir), ...checkAgents(config, environment), ...checkTasks(config)];
}

/** Everything that is wrong in a configuration whose shape is right. */
export function checkConfig(
  config: WorkflowConfig,
  configDir: string,
  environment: Environment,
): readonly ConfigFinding[] {
  const agents = Object.keys(config.agents);
  const findings = checkParts(config, configDir, environment);
  if (config.flow !== undefined) return [...findings, ...checkFlow(config.flow, agents)];
  if (agents.includes("builder")) return [...findings, ...checkUnused(config)];
  const nearest = nearestName("builder", agents);
  const meant = nearest === undefined ? "" : ` (found ${quoted(nearest)})`;
  return [
    ...findings,
    {
      path: ["agents"],
      found: list(agents),
      allowed: "builder, reviewer, spec_maintainer",
      message: `the default flow needs an agent "builder"${meant}; name one, or give a flow`,
    },
  ];
}

/** Agents that no stage of the default loop uses but are named nearly so: a misspelt `reviewer` would silently mean no review. */
function* checkUnused(config: WorkflowConfig): Generator<ConfigFinding> {
  const known = ["builder", "reviewer", "spec_maintainer"];
  const used = new Set(Object.values(flowOf(config).stages).map((stage) => stage.agent));
  for (const name of Object.keys(config.agents)) {
    if (!used.has(name) && nearestName(name, known) !== undefined) {
      yield {
        path: ["agents", name],
        found: name,
        allowed: list(known),
        message: `the default flow has no agent ${quoted(name)}; ${hint(name, known)}`,
      };
    }
  }
}
