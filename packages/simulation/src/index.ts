export {
  loadSimulationConfig,
  type ParseSimulationConfigOptions,
  parseSimulationConfig,
} from "./config/load-config.ts";
export {
  type AgentConfig,
  type PartConfig,
  type SimulationConfig,
  simulationConfigSchema,
} from "./config/schema.ts";
export type {
  Agent,
  AgentView,
  Engine,
  Logger,
  MakerContext,
  NextState,
  ParameterSchema,
  RememberedWork,
  SimulationState,
  TurnContext,
  TurnEvent,
  Validator,
  Verdict,
} from "./engine/engine.ts";
export type { GivenParts } from "./engine/parts.ts";
export { SimulationError, type SimulationErrorCode } from "./errors.ts";
export { describeSimulation, type SimulationDescription } from "./run/describe-simulation.ts";
export { forkSimulation } from "./run/fork-simulation.ts";
export type {
  ForkSimulationOptions,
  ResumeSimulationOptions,
  RunSimulationOptions,
  SimulationNote,
  SimulationOptions,
  SimulationOverrides,
  SimulationResult,
  TurnReport,
} from "./run/options.ts";
export {
  type ReplayDifference,
  type ReplayResult,
  type ReplaySimulationOptions,
  replaySimulation,
} from "./run/replay-simulation.ts";
export { resumeSimulation } from "./run/resume-simulation.ts";
export { runSimulation } from "./run/run-simulation.ts";
export { type SimulationFinding, verifySimulation } from "./run/verify-simulation.ts";
export type { Random, RandomState } from "./state/random.ts";
