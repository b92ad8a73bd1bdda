/** An absolute path, of POSIX or Windows, or a file URL, with at least one folder in it. */
const ABSOLUTE =
  /(?<![\w.~/\\:-])(?:file:\/\/)?(?:\/(?:[^\s/"'`<>|:;,()]+\/)+|[A-Za-z]:[\\/](?:[^\s\\/"'`<>|:;,()]+[\\/])+)(?=[^\s"'`<>|:;,()]*)/g;

/**
 * A value without absolute paths in its texts: of each the last part is left, behind an ellipsis. What a run recorded of its config and of
 * its failure names folders of this machine, which are nobody else's business.
 */
export function withoutServerPaths<T>(value: T): T {
  return replaced(value) as T;
}

function replaced(value: unknown): unknown {
  if (typeof value === "string")
    return value.includes("/") || value.includes("\\") ? value.replace(ABSOLUTE, ".../") : value;
  if (Array.isArray(value)) return value.map(replaced);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaced(item)]));
}
