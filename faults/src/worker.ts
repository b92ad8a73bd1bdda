// Started by main.ts for each core: runs what it is told to run.
import { serveTrials } from "./run-trials.ts";
import { SECTIONS } from "./sections.ts";

serveTrials(SECTIONS.flatMap(({ trials }) => trials));
