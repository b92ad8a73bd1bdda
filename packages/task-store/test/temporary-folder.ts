import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for one test; removed when it goes out of scope. */
export function temporaryFolder(): {
  readonly path: string;
  readonly file: (name: string) => string;
} & Disposable {
  const path = mkdtempSync(join(tmpdir(), "holdfast-task-store-"));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
