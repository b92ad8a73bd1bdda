import { DAMAGES } from "./damage/damages.ts";
import { EXPLORATIONS } from "./explorations.ts";
import { PROCESSES } from "./processes/processes.ts";
import type { Section } from "./trial.ts";

/** Everything that is tried, in the order of docs/guarantees.md. */
export const SECTIONS: readonly Section[] = [EXPLORATIONS, DAMAGES, PROCESSES];
