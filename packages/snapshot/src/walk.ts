import * as fs from "node:fs";

import { SnapshotError } from "./errors.ts";
import type { HashedFiles } from "./hash-files.ts";
import { IGNORE_FILE, IgnoreRules, isNeverTaken } from "./ignore-rules.ts";
import type { IncludeNode } from "./include.ts";
import { type Listing, listFolder, openFolder, readRules } from "./list-folder.ts";
import type { SnapshotFile } from "./manifest.ts";
import { comparePaths } from "./snapshot-id.ts";
import { FileTimes, modeText } from "./stat-text.ts";
import { FILE, FOLDER, IGNORE, NOTICE, RACY, TreeIndex } from "./tree-index.ts";

/** Why something was left out of a snapshot although it is in what was walked. */
export type SkipReason =
  | "symlink"
  | "special"
  | "not-utf8"
  | "excluded"
  | "missing"
  | "unreadable"
  | "vanished"
  | "changed";

/** What was left out, and why, in words. */
export interface SnapshotWarning {
  readonly path: string;
  readonly reason: SkipReason;
  readonly message: string;
}

/** Reasons that are kept in a {@link TreeIndex}; the order is part of its format. */
const KEPT_REASONS = ["symlink", "special", "not-utf8", "excluded"] as const;
const BIG = { bigint: true, throwIfNoEntry: false } as const;

export interface WalkOptions {
  /** Real path of the workspace. */
  readonly root: string;
  readonly include: IncludeNode;
  readonly rules: IgnoreRules;
  /** What an earlier walk with the same options found. */
  readonly old: TreeIndex | undefined;
  /** Whether a name that was asked for and is missing is reported. */
  readonly reportMissing: boolean;
  /** Whether something with these times, in microseconds, may change again without its times showing it. */
  isRacy(ctimeUs: number, mtimeUs: number): boolean;
  hash(folder: string, name: string, owner: number): void;
  warn(path: string, reason: SkipReason): void;
  /** Called for what stands in the way of a whole snapshot; throws unless it may be skipped. */
  problem(path: string, reason: SkipReason, cause?: unknown): void;
}

interface Visit {
  readonly rel: string;
  readonly abs: string;
  readonly name: string;
  /** Its item in the old index, or -1. */
  readonly old: number;
  readonly node: IncludeNode | undefined;
  readonly rules: FolderRules;
  /** No rule above it differs from those of the old index. */
  readonly trusted: boolean;
  readonly stat: fs.BigIntStats;
}

/**
 * One walk over a workspace, in the order of the paths' UTF-16 code units: folders sort as their name with a `/`.
 *
 * A folder whose times and inode are those of the old index holds the same names: it is not listed again. A file whose
 * size, times and inode are those of the old index holds the same bytes: it is not read again. Everything else is listed
 * through an open folder and hashed.
 */
export class TreeWalk {
  readonly files: (SnapshotFile | undefined)[] = [];
  /** Bytes of the files known so far. */
  bytes = 0;
  readonly #options: WalkOptions;
  readonly #old: TreeIndex | undefined;
  readonly #index = new TreeIndex();
  /** While everything is as in the old index: how many items of it have been seen. -1: something differed. */
  #same: number;
  readonly #pendingFiles: number[] = [];
  readonly #pendingItems: number[] = [];
  readonly #times = new FileTimes();

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#old = options.old;
    this.#same = options.old === undefined ? -1 : 0;
  }

  /** The index of this walk, once it has ended; the old one itself when nothing differed. */
  get index(): TreeIndex {
    return this.unchanged ? (this.#old as TreeIndex) : this.#index;
  }

  /** Whether everything is as the old index says. */
  get unchanged(): boolean {
    return this.#same >= 0 && this.#same === this.#old?.count;
  }

  /** Walks; yields now and then, so that the caller can do something else. */
  *run(): Generator<void, void> {
    const { root, include, rules } = this.#options;
    const stat = fs.lstatSync(root, BIG);
    if (stat === undefined)
      throw new SnapshotError("SNAPSHOT_ROOT", `Cannot read "${root}": it is gone`, { path: root });
    yield* this.#folder({
      rel: "",
      abs: root === "/" ? "" : root,
      name: "",
      old: this.#old === undefined ? -1 : 0,
      node: include,
      rules: new FolderRules(undefined, rules, "", undefined),
      trusted: this.#old !== undefined,
      stat,
    });
    if (this.#same >= 0 && !this.unchanged) this.#diverge();
  }

  /** Takes the result for a file that `hash` was called for; it is the `place`-th of what was hashed. */
  hashed(owner: number, sum: string, hashed: HashedFiles, place: number): void {
    const at = this.#pendingItems[owner] ?? 0;
    const file = this.files[this.#pendingFiles[owner] ?? 0];
    if (file === undefined) return;
    const size = hashed.numbers[place * 3] ?? 0;
    const mtimeUs = hashed.numbers[place * 3 + 1] ?? 0;
    const ctimeUs = hashed.numbers[place * 3 + 2] ?? 0;
    const mode = hashed.modes[place] ?? 0;
    this.#index.setFile(at, hashed.stats, place, mode & 0o7777, sum);
    this.#index.flags[at] = this.#options.isRacy(ctimeUs, mtimeUs) ? RACY : 0;
    file.sha256 = sum;
    file.size = size;
    file.mtime = this.#times.of(mtimeUs);
    file.mode = modeText(mode);
    this.bytes += size;
  }

  /** Takes note that a file could not be hashed, and leaves it out. */
  notHashed(owner: number, reason: SkipReason, cause?: unknown): void {
    const number = this.#pendingFiles[owner] as number;
    const path = this.files[number]?.path ?? "";
    this.files[number] = undefined;
    this.#options.problem(path, reason, cause);
  }

  *#folder(visit: Visit): Generator<void, void> {
    if (visit.node?.all === false) return yield* this.#named(visit);
    const old = this.#old;
    const { dev, mtimeNs, ctimeNs, ino } = visit.stat;
    if (visit.trusted && visit.old >= 0 && old?.matches(visit.old, dev, mtimeNs, ctimeNs, ino) === true) {
      const ignoreItem = this.#ignoreItem(visit.old);
      if (ignoreItem < 0 || this.#sameRules(visit, ignoreItem))
        return yield* this.#known(visit, old, ignoreItem);
    }
    yield* this.#listed(visit);
  }

  /** A folder that is as it was: only what is in it is looked at. */
  *#known(visit: Visit, old: TreeIndex, ignoreItem: number): Generator<void, void> {
    const { rel, abs } = visit;
    const at = this.#keep(visit.old);
    const rules =
      ignoreItem < 0 ? visit.rules : new FolderRules(visit.rules, undefined, rel, `${abs}/${IGNORE_FILE}`);
    if (ignoreItem >= 0) this.#keep(ignoreItem);
    const end = old.after(visit.old);
    for (let item = ignoreItem < 0 ? visit.old + 1 : ignoreItem + 1; item < end; item = old.after(item)) {
      const name = old.names[item] as string;
      const path = rel === "" ? name : `${rel}/${name}`;
      const kind = old.kinds[item];
      if (kind === FILE) {
        this.#file(path, abs, name, item, visit.stat.dev);
      } else if (kind === NOTICE) {
        this.#keep(item);
        this.#options.warn(path, KEPT_REASONS[old.aux[item] as number] ?? "special");
      } else {
        const node = everything(visit.node?.children.get(name));
        yield* this.#below({ rel: path, abs: `${abs}/${name}`, name, old: item, node, rules, trusted: true });
      }
    }
    this.#close(at);
    yield;
  }

  /** A folder that is new or changed: it is opened and listed. */
  *#listed(visit: Visit): Generator<void, void> {
    const { rel, abs } = visit;
    let entries: Listing;
    let own: ReturnType<typeof readRules>;
    let stat: fs.BigIntStats;
    try {
      const folder = openFolder(abs === "" ? "/" : abs);
      try {
        stat = folder.stat;
        entries = listFolder(folder);
        if (entries.keys.includes(IGNORE_FILE)) own = readRules(`${folder.base}/${IGNORE_FILE}`);
      } finally {
        folder.close();
      }
    } catch (error) {
      if (!isCoded(error)) throw error;
      this.#options.problem(rel, isMissing(error) ? "vanished" : "unreadable", error);
      this.#push(FOLDER, visit.name, 0, RACY);
      return;
    }
    const flags = this.#options.isRacy(microseconds(stat.ctimeNs), microseconds(stat.mtimeNs)) ? RACY : 0;
    const at = this.#push(FOLDER, visit.name, 0, flags);
    this.#index.setStats(at, stat.dev, stat.mtimeNs, stat.ctimeNs, stat.ino);
    const rules = this.#ownRules(visit, own);
    const trusted = visit.trusted && (own === undefined) === this.#ignoreItem(visit.old) < 0;
    yield* this.#entries({ ...visit, rules: rules.of, trusted: trusted && rules.same, stat }, entries);
    this.#close(at);
    yield;
  }

  *#entries(visit: Visit, entries: Listing): Generator<void, void> {
    const { rel, abs, node } = visit;
    const children = visit.old < 0 ? undefined : this.#old?.childrenOf(visit.old);
    const matcher = visit.rules.resolve().fresh();
    for (const name of entries.unreadable) {
      if (!name.startsWith(".")) this.#notice(rel === "" ? name : `${rel}/${name}`, name, "not-utf8");
    }
    for (const key of entries.keys) {
      const kind = entries.others.get(key) ?? (key.endsWith("/") ? "folder" : "file");
      const name = kind === "folder" ? key.slice(0, -1) : key;
      const path = rel === "" ? name : `${rel}/${name}`;
      const asked = node?.children.get(name);
      const verdict = matcher.verdict(path, name, kind === "folder");
      if (verdict === "rule" || (verdict !== "take" && (asked === undefined || isNeverTaken(name)))) {
        if (verdict === "default" && !name.startsWith(".") && name !== "node_modules")
          this.#notice(path, name, "excluded");
        continue;
      }
      const old = children?.get(name) ?? -1;
      if (kind === "file") {
        this.#file(path, abs, name, this.#old?.kinds[old] === FILE ? old : -1, visit.stat.dev);
      } else if (kind === "folder") {
        const known = this.#old?.kinds[old] === FOLDER ? old : -1;
        const below = {
          ...visit,
          rel: path,
          abs: `${abs}/${name}`,
          name,
          old: known,
          node: everything(asked),
        };
        yield* this.#below(below);
      } else {
        this.#notice(path, name, kind);
      }
    }
    for (const name of node?.children.keys() ?? []) {
      if (this.#options.reportMissing && !entries.keys.includes(name) && !entries.keys.includes(`${name}/`)) {
        this.#options.warn(rel === "" ? name : `${rel}/${name}`, "missing");
      }
    }
  }

  /** A folder of which only some names were asked for: it is not listed. */
  *#named(visit: Visit): Generator<void, void> {
    const { rel, abs, node, old } = visit;
    const known = old < 0 ? undefined : this.#old?.childrenOf(old);
    const ignoreItem = this.#ignoreItem(old);
    const ruled = this.#lstat(`${abs}/${IGNORE_FILE}`) !== undefined;
    const same =
      visit.trusted &&
      old >= 0 &&
      (ruled ? ignoreItem >= 0 && this.#sameRules(visit, ignoreItem) : ignoreItem < 0);
    const at = same ? this.#keep(old) : this.#push(FOLDER, visit.name, 0, 0);
    let rules = visit.rules;
    if (same && ruled) {
      this.#keep(ignoreItem);
      rules = new FolderRules(visit.rules, undefined, rel, `${abs}/${IGNORE_FILE}`);
    } else if (ruled) {
      rules = this.#ownRules(visit, readRules(`${abs}/${IGNORE_FILE}`)).of;
    }
    const found = [...(node?.children ?? [])].map(([name, child]) => ({
      name,
      child,
      stat: this.#lstat(`${abs}/${name}`),
    }));
    const key = (entry: (typeof found)[number]) =>
      entry.stat?.isDirectory() === true ? `${entry.name}/` : entry.name;
    for (const entry of found.sort((a, b) => comparePaths(key(a), key(b)))) {
      const { name, child, stat } = entry;
      const path = rel === "" ? name : `${rel}/${name}`;
      if (stat === undefined) {
        if (this.#options.reportMissing) this.#options.warn(path, "missing");
      } else if (isNeverTaken(name) || this.#isRuledOut(rules, same, known?.get(name), path, name, stat)) {
        this.#options.warn(path, "excluded");
      } else {
        const item = known?.get(name) ?? -1;
        if (stat.isDirectory()) {
          const folder = this.#old?.kinds[item] === FOLDER ? item : -1;
          yield* this.#folder({
            rel: path,
            abs: `${abs}/${name}`,
            name,
            old: folder,
            node: child,
            rules,
            trusted: same,
            stat,
          });
        } else if (stat.isFile()) {
          this.#file(path, abs, name, this.#old?.kinds[item] === FILE ? item : -1, stat.dev);
        } else {
          this.#options.warn(path, stat.isSymbolicLink() ? "symlink" : "special");
        }
      }
    }
    this.#close(at);
  }

  /** What the old index took under the same rules need not be asked about again. */
  #isRuledOut(
    rules: FolderRules,
    same: boolean,
    item: number | undefined,
    path: string,
    name: string,
    stat: fs.BigIntStats,
  ): boolean {
    const kind = item === undefined ? 0 : this.#old?.kinds[item];
    if (same && kind === (stat.isDirectory() ? FOLDER : FILE)) return false;
    return rules.resolve().fresh().verdict(path, name, stat.isDirectory()) === "rule";
  }

  *#below(visit: Omit<Visit, "stat">): Generator<void, void> {
    const stat = this.#lstat(visit.abs);
    if (stat?.isDirectory() !== true) return this.#options.problem(visit.rel, "vanished");
    yield* this.#folder({ ...visit, stat });
  }

  #file(path: string, abs: string, name: string, old: number, dev: bigint): void {
    const index = this.#old;
    if (old >= 0 && index !== undefined && index.flags[old] === 0) {
      const stat = this.#lstat(`${abs}/${name}`);
      if (stat === undefined) return this.#options.problem(path, "vanished");
      if (index.matches(old, stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino) && stat.dev === dev) {
        this.#keep(old);
        const size = index.size(old);
        this.bytes += size;
        this.files.push({
          path,
          sha256: index.sums[old] as string,
          size,
          mtime: this.#times.of(index.mtimeUs(old)),
          mode: modeText(index.aux[old] as number),
        });
        return;
      }
    }
    const owner = this.#pendingFiles.push(this.files.length) - 1;
    this.#pendingItems.push(this.#push(FILE, name, 0, RACY));
    this.files.push({ path, sha256: "", size: 0, mtime: "", mode: "" });
    this.#options.hash(abs === "" ? "/" : abs, name, owner);
  }

  #notice(path: string, name: string, reason: (typeof KEPT_REASONS)[number]): void {
    this.#push(NOTICE, name, KEPT_REASONS.indexOf(reason), 0);
    this.#options.warn(path, reason);
  }

  #ignoreItem(folder: number): number {
    if (folder < 0 || this.#old === undefined || this.#old.aux[folder] === 0) return -1;
    return this.#old.kinds[folder + 1] === IGNORE ? folder + 1 : -1;
  }

  #sameRules(visit: Visit, item: number): boolean {
    const stat = this.#lstat(`${visit.abs}/${IGNORE_FILE}`);
    return (
      stat !== undefined && this.#old?.matches(item, stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino) === true
    );
  }

  /** Takes the rules of a folder's own ignore file, and says whether they are those of the old index. */
  #ownRules(visit: Visit, own: ReturnType<typeof readRules>): { of: FolderRules; same: boolean } {
    if (own === undefined) return { of: visit.rules, same: true };
    const { size, mtimeNs, ctimeNs, ino } = own.stat;
    const item = this.#ignoreItem(visit.old);
    const same = item >= 0 && this.#old?.matches(item, size, mtimeNs, ctimeNs, ino) === true;
    const at = this.#push(
      IGNORE,
      IGNORE_FILE,
      0,
      this.#options.isRacy(microseconds(ctimeNs), microseconds(mtimeNs)) ? RACY : 0,
    );
    this.#index.setStats(at, size, mtimeNs, ctimeNs, ino);
    const rules = new FolderRules(
      visit.rules,
      visit.rules.resolve().with(visit.rel, own.text),
      visit.rel,
      undefined,
    );
    return { of: rules, same };
  }

  #lstat(path: string): fs.BigIntStats | undefined {
    try {
      return fs.lstatSync(path, BIG);
    } catch (error) {
      const relative = path.slice(this.#options.root.length).replace(/^\//, "");
      this.#options.problem(relative, "unreadable", error);
      return undefined;
    }
  }

  #keep(item: number): number {
    if (this.#same === item) return this.#same++;
    this.#diverge();
    return this.#index.copy(this.#old as TreeIndex, item);
  }

  #push(kind: number, name: string, aux: number, flags: number): number {
    this.#diverge();
    return this.#index.push(kind, name, aux, flags);
  }

  #close(folder: number): void {
    const below = (this.#same >= 0 ? this.#same : this.#index.count) - folder - 1;
    if (this.#same >= 0) {
      if (this.#old?.aux[folder] === below) return;
      this.#diverge();
    }
    this.#index.aux[folder] = below;
  }

  #diverge(): void {
    if (this.#same < 0) return;
    for (let item = 0; item < this.#same; item++) this.#index.copy(this.#old as TreeIndex, item);
    this.#same = -1;
  }
}

/** The rules of a folder, read only when somebody asks: in a tree that did not change nobody does. */
class FolderRules {
  readonly #above: FolderRules | undefined;
  #rules: IgnoreRules | undefined;
  readonly #folder: string;
  readonly #file: string | undefined;

  constructor(
    above: FolderRules | undefined,
    rules: IgnoreRules | undefined,
    folder: string,
    file: string | undefined,
  ) {
    this.#above = above;
    this.#rules = rules;
    this.#folder = folder;
    this.#file = file;
  }

  resolve(): IgnoreRules {
    if (this.#rules === undefined) {
      const above = this.#above?.resolve() ?? IgnoreRules.of([]);
      const own = this.#file === undefined ? undefined : readRules(this.#file);
      this.#rules = own === undefined ? above : above.with(this.#folder, own.text);
    }
    return this.#rules;
  }
}

function microseconds(ns: bigint): number {
  return Number(ns / 1_000n);
}

/** Inside a folder that is taken whole, names that were asked for are taken whole too. */
function everything(node: IncludeNode | undefined): IncludeNode | undefined {
  return node === undefined ? undefined : { ...node, all: true };
}

function isCoded(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

function isMissing({ code }: { code: string }): boolean {
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "SNAPSHOT_VANISHED";
}
