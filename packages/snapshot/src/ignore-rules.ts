import ignore, { type Ignore } from "ignore";

/** The file with ignore rules; it may stand in any folder of the workspace. */
export const IGNORE_FILE = ".holdfastignore";

/** Folders that are left out wherever they are, unless a rule such as `!src/events/` takes them back in. */
export const DEFAULT_EXCLUDE: readonly string[] = [
  ".git",
  "node_modules",
  ".cache",
  "state",
  "events",
  "receipts",
  "logs",
  "snapshots",
  "transcripts",
  ".holdfast",
];

/** What no rule takes back in: the store itself, and what a version control system would execute. */
const NEVER: ReadonlySet<string> = new Set([".git", ".holdfast", IGNORE_FILE]);
const LEFT_OUT: ReadonlySet<string> = new Set(DEFAULT_EXCLUDE);

/** Whether a name can be part of no snapshot's path; compared as a file system that folds case would. */
export function isNeverTaken(name: string): boolean {
  return name.startsWith(".") && NEVER.has(name.toLowerCase());
}

/** What becomes of a name: taken, or left out by a rule, as a hidden file, or by default. */
export type Verdict = "take" | "rule" | "hidden" | "default";

/**
 * The rules that hold in one folder: those of the call, and those of every `.holdfastignore` from the workspace down to
 * the folder. Those of files are kept as one list, outer files first, so that the last rule that matches decides, as in git.
 */
export class IgnoreRules {
  /** Filled with rules and never asked: a matcher remembers every path it is asked about. */
  readonly #given: Ignore | undefined;
  readonly #files: Ignore | undefined;
  #askGiven: Ignore | undefined;
  #askFiles: Ignore | undefined;

  private constructor(given: Ignore | undefined, files: Ignore | undefined) {
    this.#given = given;
    this.#files = files;
  }

  /** The rules of the call: gitignore patterns, relative to the workspace; they decide before those of any file. */
  static of(patterns: readonly string[]): IgnoreRules {
    return new IgnoreRules(patterns.length === 0 ? undefined : newMatcher().add(patterns), undefined);
  }

  /** The rules of a folder with an ignore file, as a new object. */
  with(folder: string, text: string): IgnoreRules {
    const files = newMatcher();
    if (this.#files !== undefined) files.add(this.#files);
    return new IgnoreRules(this.#given, files.add(anchor(folder, text)));
  }

  /** The same rules for another folder, without what was remembered of paths. */
  fresh(): IgnoreRules {
    return new IgnoreRules(this.#given, this.#files);
  }

  /** What becomes of a name in a folder that is itself taken. `path` is relative to the workspace. */
  verdict(path: string, name: string, isFolder: boolean): Verdict {
    if (isNeverTaken(name)) return "default";
    if (this.#given !== undefined || this.#files !== undefined) {
      const ruled = this.#ask(isFolder ? `${path}/` : path);
      if (ruled !== undefined) return ruled;
    }
    if (isFolder && LEFT_OUT.has(name)) return "default";
    return name.startsWith(".") ? "hidden" : "take";
  }

  #ask(path: string): Verdict | undefined {
    if (this.#given !== undefined) {
      this.#askGiven ??= newMatcher().add(this.#given);
      const { ignored, unignored } = this.#askGiven.test(path);
      if (ignored || unignored) return ignored ? "rule" : "take";
    }
    if (this.#files !== undefined) {
      this.#askFiles ??= newMatcher().add(this.#files);
      const { ignored, unignored } = this.#askFiles.test(path);
      if (ignored || unignored) return ignored ? "rule" : "take";
    }
    return undefined;
  }
}

function newMatcher(): Ignore {
  // Case counts on every system, so that ids agree.
  return ignore({ ignorecase: false });
}

/** Writes the rules of a folder's file as rules of the workspace. */
function anchor(folder: string, text: string): string {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  if (folder === "") return lines.join("\n");
  const base = folder.replace(/[\\*?[\]!# ]/g, "\\$&");
  return lines
    .map((line) => {
      if (line.startsWith("#") || line.trim() === "") return "";
      const negated = line.startsWith("!");
      const pattern = negated ? line.slice(1) : line;
      // A slash at the start or in the middle ties a rule to its folder; at the end it only says "a folder".
      const tied = /\/(?!\s*$)/.test(pattern);
      const below = pattern.startsWith("/") ? pattern.slice(1) : pattern.replace(/^\\(?=[!#])/, "");
      return `${negated ? "!" : ""}/${base}/${tied ? "" : "**/"}${below}`;
    })
    .join("\n");
}
