/** What of a folder is taken: all of it, or only some names in it. */
export interface IncludeNode {
  /** Everything in it; the children are then those taken even when hidden or left out by default. */
  all: boolean;
  readonly children: Map<string, IncludeNode>;
}

/** The folders that hold the work of a project; those that are missing are no error. */
export const DEFAULT_INCLUDE: readonly string[] = ["specs", "src", "tests", "docs"];

/**
 * Makes a tree of the paths to include.
 *
 * @param paths - Folders or files relative to the workspace; `.` is all of it.
 * @throws {TypeError} For a path that is absolute, holds NUL, or leaves the workspace.
 */
export function includeTree(paths: readonly string[]): IncludeNode {
  const root: IncludeNode = { all: false, children: new Map() };
  for (const path of paths) {
    const parts = partsOf(path);
    let node = root;
    for (const part of parts) {
      let next = node.children.get(part);
      if (next === undefined) node.children.set(part, (next = { all: false, children: new Map() }));
      node = next;
    }
    node.all = true;
  }
  return root;
}

function partsOf(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (path.startsWith("/") || path.includes("\0") || parts.includes("..") || path === "") {
    throw new TypeError(`Cannot include ${JSON.stringify(path)}: it must be a path inside the workspace`);
  }
  return parts;
}
