import type { Section, Trial } from "../trial.ts";
import { CONFIG_FILES } from "./configs.ts";
import type { DamagedFile } from "./damaged-file.ts";
import { EVENT_FILES } from "./events.ts";
import { RECORD_FILES } from "./records.ts";
import { REQUEST_BYTES } from "./requests.ts";
import { SIMULATION_FILES } from "./simulations.ts";
import { STORE_FILES } from "./stores.ts";
import { tryDamage } from "./try-damage.ts";
import { WORKFLOWS } from "./workflows.ts";

const FILES: readonly DamagedFile[] = [
  ...WORKFLOWS,
  ...SIMULATION_FILES,
  ...EVENT_FILES,
  ...RECORD_FILES,
  ...STORE_FILES,
  ...CONFIG_FILES,
  ...REQUEST_BYTES,
];
const LONG = { samples: 10_000, seconds: Number.POSITIVE_INFINITY };
const SHORT = { samples: 1_000, seconds: 1.5 };

/** Every type of file that is written, and what a server is sent, damaged again and again. */
export const DAMAGES: Section = {
  title: "Damaged files",
  about:
    "A sample is a whole file with one damage: a bit flipped, a byte or a value replaced, a cut, a part removed, zeroed or put in, lines doubled, removed or swapped, something at its end. Detected: refused with a code, or told by verify. Without effect: read as before. Another: read as another value of valid shape, where a format holds no checksum that could tell. Anything else is bad: another value that nobody tells of, an error without a code, a hang, a reader that writes.",
  columns: ["samples", "detected", "without effect", "another"],
  trials: FILES.map((file): Trial => {
    return {
      name: file.name,
      promise: file.promise,
      async run({ isLong }) {
        const { samples, detected, withoutEffect, another, problem } = await tryDamage(
          file,
          isLong ? LONG : SHORT,
        );
        const counts = { samples, detected, "without effect": withoutEffect, another };
        return problem === undefined ? { counts } : { counts, problem };
      },
    };
  }),
};
