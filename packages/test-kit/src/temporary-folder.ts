import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

/** A folder of its own, removed with all that is in it when it goes out of scope. */
export interface TemporaryFolder extends Disposable {
  /** Its real path: no part of it is a symbolic link. */
  readonly path: string;
  /** The path of something in it. */
  readonly file: (relative: string) => string;
}

/** A folder for one test; take it with `using`. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "holdfast-test-"));
  return {
    path,
    file: (relative) => join(path, relative),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Called at the top of a test file: gives a function that makes a folder, removed after the test that asked for it. */
export function temporaryFolders(): () => string {
  const folders: TemporaryFolder[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) folder[Symbol.dispose]();
  });
  return () => {
    const folder = temporaryFolder();
    folders.push(folder);
    return folder.path;
  };
}
