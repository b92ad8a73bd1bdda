import { SnapshotError } from "./errors.ts";
import { isNeverTaken } from "./ignore-rules.ts";

/**
 * Checks that the paths of a manifest can be files of one folder: relative, inside it, none twice, none both file and
 * folder, and none that a file system which folds case or Unicode forms would take for another.
 *
 * @throws {SnapshotError} `SNAPSHOT_UNSAFE_PATH`, naming the first that cannot.
 */
export function checkPaths(files: readonly { readonly path: string }[], allowFolded = false): void {
  const folders = new Set<string>();
  const names = new Set<string>();
  const folded = new Map<string, string>();
  for (const { path } of files) {
    const problem = problemOf(path);
    if (problem !== undefined) throw unsafe(path, problem);
    if (names.has(path)) throw unsafe(path, "it is listed twice");
    names.add(path);
    for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
      const folder = path.slice(0, slash);
      if (folders.has(folder)) continue;
      folders.add(folder);
      if (!allowFolded) checkFolded(folder, folded);
    }
    if (!allowFolded) checkFolded(path, folded);
  }
  for (const name of names) {
    if (folders.has(name)) throw unsafe(name, "it is listed as a file and as a folder");
  }
}

function checkFolded(path: string, folded: Map<string, string>): void {
  const key = foldPath(path);
  const other = folded.get(key);
  if (other === undefined) folded.set(key, path);
  else if (other !== path) {
    throw unsafe(
      path,
      `a file system that folds names takes it for ${JSON.stringify(other)}; rename one of them, or allow it where names are kept apart`,
    );
  }
}

/** What a file system that ignores case and Unicode forms compares. */
function foldPath(path: string): string {
  return path.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
}

function problemOf(path: string): string | undefined {
  if (path.includes("\0")) return "it holds NUL";
  if (!path.isWellFormed()) return "it holds half of a surrogate pair";
  if (path.startsWith("/")) return "it is absolute";
  if (process.platform === "win32" && /[\\:]/.test(path))
    return 'it holds "\\" or ":", which this system reads as more than a name';
  for (const part of path.split("/")) {
    if (part === "..") return "it leads out of the folder";
    if (part === "" || part === ".") return "it has an empty part";
    if (isNeverTaken(part)) return `${JSON.stringify(part)} is part of no snapshot`;
  }
  return undefined;
}

function unsafe(path: string, problem: string): SnapshotError {
  return new SnapshotError(
    "SNAPSHOT_UNSAFE_PATH",
    `Cannot use the snapshot's path ${JSON.stringify(path)}: ${problem}`,
    { path },
  );
}
