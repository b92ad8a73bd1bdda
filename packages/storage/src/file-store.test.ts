import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { storeConformance } from "./conformance.ts";
import { fileStore } from "./file-store.ts";

storeConformance(
  "fileStore()",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "holdfast-storage-"));
    return {
      // Small summaries: every log that is opened again is opened by one.
      open: () => fileStore(join(folder, "store"), { writerIdleMs: 20, summaryBytes: 64 }),
      dispose: () => rmSync(folder, { recursive: true, force: true }),
    };
  },
  { describe, it },
);
