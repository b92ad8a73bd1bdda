import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder of its own, removed at the end of the block. */
export interface TemporaryFolder extends Disposable {
  readonly path: string;
  file(relative: string): string;
}

export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(realpathSync(tmpdir()), "holdfast-snapshot-"));
  return {
    path,
    file: (relative) => join(path, relative),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Files by their paths: content, or content and permission bits. */
export type Tree = {
  readonly [path: string]: string | Uint8Array | { readonly content: string; readonly mode: number };
};

export function writeTree(root: string, tree: Tree): void {
  mkdirSync(root, { recursive: true });
  for (const [path, entry] of Object.entries(tree)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    const plain = typeof entry === "string" || entry instanceof Uint8Array;
    writeFileSync(file, plain ? entry : entry.content);
    if (!plain) chmod(file, entry.mode);
  }
}

function chmod(file: string, mode: number): void {
  // Through a descriptor of its own: the umask has no say in it.
  const { chmodSync } = process.getBuiltinModule("node:fs");
  chmodSync(file, mode);
}

/** Everything below a folder: content as base64 and permission bits of files; folders with a slash. */
export function readTree(root: string): { [path: string]: string } {
  const found: { [path: string]: string } = {};
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    if (entry.isDirectory()) found[`${name}/`] = "folder";
    else if (entry.isFile()) {
      found[name] = `${(statSync(path).mode & 0o777).toString(8)} ${readFileSync(path).toString("base64")}`;
    } else found[name] = "other";
  }
  return found;
}
