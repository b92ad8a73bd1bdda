/** What exploring one feature came to. */
export interface ExploredFeature {
  readonly name: string;
  readonly promise: string;
  readonly operations: number;
  readonly states: number;
  readonly nested: number;
  readonly faults: number;
  readonly seconds: number;
  /** The story of the first bad state. */
  readonly problem?: string;
}

const number = (value: number): string => value.toLocaleString("en-US");

/** The result as a line for a terminal. */
export function lineOf(explored: ExploredFeature): string {
  const { name, operations, states, nested, faults, seconds, problem } = explored;
  const verdict = problem === undefined ? "ok " : "BAD";
  return `${verdict} ${name}: ${operations} operations, ${number(states)} states, ${number(nested)} nested, ${number(faults)} faults, ${seconds.toFixed(1)} s`;
}

/** What all of it comes to, in one line. */
export function totalOf(explored: readonly ExploredFeature[]): string {
  const sum = (of: (one: ExploredFeature) => number): string =>
    number(explored.reduce((total, one) => total + of(one), 0));
  const bad = explored.filter(({ problem }) => problem !== undefined).length;
  return `${explored.length} features, ${sum((one) => one.states)} distinct states, ${sum((one) => one.nested)} of crashed recoveries, ${sum((one) => one.faults)} faults, ${bad} bad`;
}

/** The table of docs/guarantees.md. */
export function tableOf(explored: readonly ExploredFeature[]): string {
  const rows = explored.map(
    ({ name, promise, operations, states, nested, faults }) =>
      `| ${name} | ${promise} | ${operations} | ${number(states)} | ${number(nested)} | ${number(faults)} |`,
  );
  return [
    "| what | promise | operations | states | of crashed recoveries | faults |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
