import type { Section } from "../trial.ts";
import { LOCKS } from "./lock-entries.ts";

/** What is tried with processes that are killed and suspended, and with file systems of the kernel. */
export const PROCESSES: Section = {
  title: "Real processes and file systems",
  about:
    "Processes of the machine are killed with SIGKILL and suspended with SIGSTOP, file systems of its kernel fill up or lose their power.",
  columns: ["entries", "kills", "killed inside", "suspensions", "longest wait in ms"],
  trials: [...LOCKS],
};
