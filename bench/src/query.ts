import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileStore } from "@holdfast/storage";
import { type Benchmark, environment } from "./harness.ts";
import { buildRows } from "./query/build-rows.ts";
import { writeEvents } from "./query/events.ts";
import { openRow, visibleRow } from "./query/fresh-rows.ts";
import { lookupRows } from "./query/lookup-rows.ts";
import { removePlain } from "./query/plain-index.ts";
import { largeQuestionRows, questionRows } from "./query/question-rows.ts";

/** Queries over event files: ours against a database made by hand, a scan, and DuckDB over the same files. */
export const benchmark: Benchmark = {
  name: "query",
  async run({ quick, large = false }) {
    const count = large ? 10_000_000 : quick ? 100_000 : 1_000_000;
    const rounds = quick ? 5 : 21;
    const root = mkdtempSync(join(tmpdir(), "holdfast-query-"));
    const folder = join(root, "runs", "bench");
    try {
      writeEvents(folder, count);
      const built = await buildRows(root, count, { rounds: large ? 1 : quick ? 2 : 5, hasPeer: !large });
      const { plain } = built;
      const store = fileStore(root);
      try {
        const asked = { folder, store, count, rounds };
        const rows = [
          ...built.rows,
          ...(plain === undefined ? await largeQuestionRows(asked) : await questionRows(asked, plain)),
          ...(await lookupRows(store, plain, count, rounds)),
          await visibleRow(folder, store, count),
          await openRow(root),
        ];
        const name = `query ${count.toLocaleString("en-US")} events`;
        return { name, rows, environment: environment() };
      } finally {
        await store.close();
        plain?.close();
      }
    } finally {
      rmSync(root, { recursive: true, force: true });
      removePlain(root);
    }
  },
};
