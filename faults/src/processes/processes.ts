import type { Section } from "../trial.ts";
import { FENCED } from "./fenced-holder.ts";
import { RUNS } from "./killed-runs.ts";
import { DISKS } from "./limited-disk.ts";
import { LOCKS } from "./lock-entries.ts";
import { POWER } from "./power-cut.ts";
import { RESTORE } from "./restore-cut.ts";

/** What is tried with processes that are killed and suspended, and with file systems of the kernel. */
export const PROCESSES: Section = {
  title: "Real processes and file systems",
  about:
    "Processes are killed with SIGKILL and suspended with SIGSTOP; file systems of the kernel fill up, or stop without a flush as in a loss of power.",
  columns: [
    "runs",
    "entries",
    "kills",
    "killed inside",
    "suspensions",
    "power cuts",
    "fills",
    "acknowledged writes",
    "longest wait in ms",
  ],
  trials: [...LOCKS, FENCED, POWER, RESTORE, ...DISKS, ...RUNS],
};
