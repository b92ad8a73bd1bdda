import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Files by their paths: content, or content and permission bits. */
export type Tree = {
  readonly [path: string]: string | Uint8Array | { readonly content: string; readonly mode: number };
};

/** Writes them below a folder, which is made. */
export function writeTree(root: string, tree: Tree): void {
  mkdirSync(root, { recursive: true });
  for (const [path, entry] of Object.entries(tree)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    const plain = typeof entry === "string" || entry instanceof Uint8Array;
    writeFileSync(file, plain ? entry : entry.content);
    if (!plain) chmodSync(file, entry.mode); // the umask has no say in it
  }
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
