import * as fs from "node:fs";

import { FolderRules } from "./folder-rules.ts";
import type { HashedFiles, HashFolder } from "./hash-files.ts";
import { IGNORE_FILE, type IgnoreRules, isNeverTaken } from "./ignore-rules.ts";
import type { IncludeNode } from "./include.ts";
import { IndexRecorder } from "./index-recorder.ts";
import { type Listing, listFolder, openFolder, type RulesFile, readRules } from "./list-folder.ts";
import { REASON_OF_FAILURE, type SkipReason } from "./skipped.ts";
import { comparePaths } from "./snapshot-id.ts";
import { FILE, FOLDER, IGNORE, NOTICE, RACY, type TreeIndex, UNREAD } from "./tree-index.ts";

/** Reasons that are kept in a {@link TreeIndex}; the order is part of its format. */
const KEPT_REASONS = ["symlink", "special", "not-utf8", "excluded"] as const;
const BIG = { bigint: true, throwIfNoEntry: false } as const;
const NO_ITEM = -1;
/** Names of one folder after which the walk yields. */
const FILES_A_STEP = 2048;

export interface WalkOptions {
  /** Real path of the workspace. */
  readonly root: string;
  readonly include: IncludeNode;
  readonly rules: IgnoreRules;
  /** What an earlier walk with the same options found. */
  readonly old: TreeIndex | undefined;
  /** Whether a name that was asked for and is missing is reported. */
  readonly reportMissing: boolean;
  /** Whether something with these times, in nanoseconds, may change again without its times showing it. */
  readonly isRacy: (ctimeNs: bigint, mtimeNs: bigint) => boolean;
  /** Asks for a file to be hashed; `hashed` wants the number back. */
  readonly hash: (folder: string, name: string, item: number) => void;
  readonly warn: (path: string, reason: SkipReason) => void;
  /** Called for what stands in the way of a whole snapshot; throws unless it may be skipped. */
  readonly problem: (path: string, reason: SkipReason, cause?: unknown) => void;
}

/** A folder that is being walked. */
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
  /** How many files were found. */
  found = 0;
  readonly #options: WalkOptions;
  readonly #record: IndexRecorder;

  constructor(options: WalkOptions) {
    this.#options = options;
    this.#record = new IndexRecorder(options.old);
  }

  /** The index, once the walk and the hashing have ended. */
  get index(): TreeIndex {
    return this.#record.index;
  }

  /** Whether everything is as the old index says, once the walk has ended. */
  get isUnchanged(): boolean {
    return this.#record.isUnchanged;
  }

  /** Walks; yields now and then, so that the caller can do something else. */
  *run(): Generator<void, void> {
    const { root, include, rules, old } = this.#options;
    yield* this.#folder({
      rel: "",
      abs: root === "/" ? "" : root,
      name: "",
      old: old === undefined ? NO_ITEM : 0,
      node: include,
      rules: FolderRules.of(rules),
      trusted: old !== undefined,
      stat: fs.lstatSync(root, { bigint: true }),
    });
  }

  /** Takes results for files that `hash` was called for, with the numbers that it was given. */
  hashed(hashed: HashedFiles, items: readonly number[], folders: readonly HashFolder[]): void {
    const { stats, failures } = hashed;
    const flags = new Uint8Array(items.length);
    for (let place = 0; place < items.length; place++) {
      const isRacy = this.#options.isRacy(stats[place * 4 + 2] ?? 0n, stats[place * 4 + 1] ?? 0n);
      if (isRacy) flags[place] = RACY;
    }
    // Files of a folder stand together, and are taken over together.
    let from = 0;
    for (let to = 1; to <= items.length; to++) {
      const first = items[from] ?? NO_ITEM;
      if (first !== NO_ITEM && items[to] === first + to - from) continue;
      if (first !== NO_ITEM) this.#record.setFiles(first, hashed, from, to - from, flags);
      from = to;
    }
    for (const { index, failure, code } of failures) {
      const item = items[index] ?? NO_ITEM;
      if (item === NO_ITEM) continue;
      this.#record.skip(item);
      const cause = code === "" ? undefined : Object.assign(new Error(`The system said ${code}`), { code });
      this.#options.problem(this.#pathIn(folders, index), REASON_OF_FAILURE[failure], cause);
    }
  }

  #pathIn(folders: readonly HashFolder[], index: number): string {
    let left = index;
    for (const { path, names } of folders) {
      const name = names[left];
      if (name !== undefined) return below(this.#relative(path), name);
      left -= names.length;
    }
    return "";
  }

  #relative(path: string): string {
    const { root } = this.#options;
    return path.slice(root === "/" ? 1 : root.length + 1);
  }

  *#folder(visit: Visit): Generator<void, void> {
    const { old } = this.#record;
    const { dev, mtimeNs, ctimeNs, ino } = visit.stat;
    if (visit.node?.all === false) {
      yield* this.#named(visit, visit.node);
      return;
    }
    if (visit.trusted && old?.matches(visit.old, dev, mtimeNs, ctimeNs, ino) === true) {
      const ignoreItem = this.#ignoreItem(visit.old);
      if (ignoreItem === NO_ITEM || this.#isSameFile(ignoreItem, `${visit.abs}/${IGNORE_FILE}`)) {
        yield* this.#known(visit, old, ignoreItem);
        return;
      }
    }
    yield* this.#listed(visit);
  }

  /** A folder that is as it was: only what is in it is looked at. */
  *#known(visit: Visit, old: TreeIndex, ignoreItem: number): Generator<void, void> {
    const { rel, abs } = visit;
    const at = this.#record.keep(old, visit.old);
    let { rules } = visit;
    if (ignoreItem !== NO_ITEM) {
      this.#record.keep(old, ignoreItem);
      rules = rules.withFile(rel, `${abs}/${IGNORE_FILE}`);
    }
    const end = old.after(visit.old);
    let seen = 0;
    for (let item = visit.old + (ignoreItem === NO_ITEM ? 1 : 2); item < end; item = old.after(item)) {
      const name = old.nameOf(item);
      const path = below(rel, name);
      if (++seen % FILES_A_STEP === 0) yield;
      const kind = old.kinds[item];
      if (kind === FILE) {
        this.#file(path, abs, name, item, visit.stat.dev);
      } else if (kind === NOTICE) {
        this.#record.keep(old, item);
        this.#options.warn(path, KEPT_REASONS[old.aux[item] ?? 0] ?? "special");
      } else {
        const node = everything(visit.node?.children.get(name));
        yield* this.#enter({ rel: path, abs: `${abs}/${name}`, name, old: item, node, rules, trusted: true });
      }
    }
    this.#record.close(at);
    yield;
  }

  /** A folder that is new or changed: it is opened and listed. */
  *#listed(visit: Visit): Generator<void, void> {
    const { abs } = visit;
    let listing: Listing;
    let own: RulesFile | undefined;
    let stat: fs.BigIntStats;
    try {
      using folder = openFolder(abs === "" ? "/" : abs);
      ({ stat } = folder);
      listing = listFolder(folder);
      if (listing.keys.includes(IGNORE_FILE)) own = readRules(`${folder.base}/${IGNORE_FILE}`);
    } catch (error) {
      if (!isCoded(error)) throw error;
      this.#options.problem(visit.rel, isMissing(error) ? "vanished" : "unreadable", error);
      this.#record.push(FOLDER, visit.name, 0, RACY);
      return;
    }
    const at = this.#record.push(FOLDER, visit.name, 0, this.#racy(stat));
    this.#record.setStats(at, stat.dev, stat.mtimeNs, stat.ctimeNs, stat.ino);
    const { rules, isSame } = this.#takeRules(visit, own);
    yield* this.#entries({ ...visit, rules, trusted: visit.trusted && isSame, stat }, listing);
    this.#record.close(at);
    yield;
  }

  *#entries(visit: Visit, listing: Listing): Generator<void, void> {
    const { rel, abs, node } = visit;
    const { old } = this.#record;
    const children = old?.childrenOf(visit.old);
    const rules = visit.rules.rules.fresh();
    let seen = 0;
    const hasOthers = listing.others.size > 0;
    for (const name of listing.notUtf8) {
      if (!name.startsWith(".")) this.#notice(below(rel, name), name, "not-utf8");
    }
    for (const key of listing.keys) {
      const other = hasOthers ? listing.others.get(key) : undefined;
      const kind = other ?? (key.endsWith("/") ? "folder" : "file");
      const name = kind === "folder" ? key.slice(0, -1) : key;
      const path = below(rel, name);
      // A folder of many files is not walked in one go.
      if (++seen % FILES_A_STEP === 0) yield;
      const asked = node?.children.get(name);
      const verdict = rules.verdict(path, name, kind === "folder");
      if (verdict === "rule" || (verdict !== "take" && (asked === undefined || isNeverTaken(name)))) {
        if (verdict === "default" && isWorthSaying(name)) this.#notice(path, name, "excluded");
        continue;
      }
      const item = children?.get(name) ?? NO_ITEM;
      if (kind === "file") {
        this.#file(path, abs, name, old?.kinds[item] === FILE ? item : NO_ITEM, visit.stat.dev);
      } else if (kind === "folder") {
        const known = old?.kinds[item] === FOLDER ? item : NO_ITEM;
        yield* this.#enter({
          ...visit,
          rel: path,
          abs: `${abs}/${name}`,
          name,
          old: known,
          node: everything(asked),
        });
      } else {
        this.#notice(path, name, kind);
      }
    }
    this.#reportMissing(visit, listing);
  }

  /** A folder of which only some names were asked for: it is not listed. */
  *#named(visit: Visit, node: IncludeNode): Generator<void, void> {
    const { rel, abs } = visit;
    const { old } = this.#record;
    const ignoreItem = this.#ignoreItem(visit.old);
    const ignoreFile = `${abs}/${IGNORE_FILE}`;
    const hasRules = this.#lstat(ignoreFile) !== undefined;
    let { rules } = visit;
    let at: number;
    const isSame =
      visit.trusted &&
      old?.kinds[visit.old] === FOLDER &&
      (hasRules ? this.#isSameFile(ignoreItem, ignoreFile) : ignoreItem === NO_ITEM);
    if (isSame && old !== undefined) {
      at = this.#record.keep(old, visit.old);
      if (hasRules) {
        this.#record.keep(old, ignoreItem);
        rules = rules.withFile(rel, ignoreFile);
      }
    } else {
      at = this.#record.push(FOLDER, visit.name, 0, 0);
      if (hasRules) ({ rules } = this.#takeRules(visit, readRules(ignoreFile)));
    }
    const known = old?.childrenOf(visit.old);
    const found = [...node.children].map(([name, child]) => ({
      name,
      child,
      stat: this.#lstat(`${abs}/${name}`),
    }));
    const key = (entry: (typeof found)[number]) =>
      entry.stat?.isDirectory() === true ? `${entry.name}/` : entry.name;
    for (const { name, child, stat } of found.toSorted((a, b) => comparePaths(key(a), key(b)))) {
      const path = below(rel, name);
      const item = known?.get(name) ?? NO_ITEM;
      if (stat === undefined) {
        if (this.#options.reportMissing) this.#options.warn(path, "missing");
        continue;
      }
      const kind = stat.isDirectory() ? FOLDER : FILE;
      const earlier = old?.kinds[item] === kind ? item : NO_ITEM;
      // What was taken under the same rules need not be asked about again.
      const isAsked = isSame && earlier !== NO_ITEM;
      if (!isAsked && this.#isRuledOut(rules, path, name, stat)) {
        this.#options.warn(path, "excluded");
      } else if (stat.isDirectory()) {
        const visitBelow = { rel: path, abs: `${abs}/${name}`, name, old: earlier, node: child, rules };
        yield* this.#folder({ ...visitBelow, trusted: isSame, stat });
      } else if (stat.isFile()) {
        this.#file(path, abs, name, earlier, stat.dev);
      } else {
        this.#options.warn(path, stat.isSymbolicLink() ? "symlink" : "special");
      }
    }
    this.#record.close(at);
  }

  #isRuledOut(rules: FolderRules, path: string, name: string, stat: fs.BigIntStats): boolean {
    return isNeverTaken(name) || rules.rules.fresh().verdict(path, name, stat.isDirectory()) === "rule";
  }

  *#enter(visit: Omit<Visit, "stat">): Generator<void, void> {
    const stat = this.#lstat(visit.abs);
    if (stat?.isDirectory() === true) yield* this.#folder({ ...visit, stat });
    else this.#options.problem(visit.rel, "vanished");
  }

  #file(path: string, abs: string, name: string, item: number, dev: bigint): void {
    const { old } = this.#record;
    this.found++;
    if (old !== undefined && item !== NO_ITEM && old.flags[item] === 0) {
      const stat = this.#lstat(`${abs}/${name}`);
      if (stat === undefined) {
        this.#options.problem(path, "vanished");
        return;
      }
      if (old.matches(item, stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino) && stat.dev === dev) {
        this.#record.keep(old, item);
        return;
      }
    }
    const added = this.#record.push(FILE, name, 0, RACY | UNREAD);
    this.#options.hash(abs === "" ? "/" : abs, name, added);
  }

  #notice(path: string, name: string, reason: (typeof KEPT_REASONS)[number]): void {
    this.#record.push(NOTICE, name, KEPT_REASONS.indexOf(reason), 0);
    this.#options.warn(path, reason);
  }

  #reportMissing({ rel, node }: Visit, { keys }: Listing): void {
    if (!this.#options.reportMissing) return;
    for (const name of node?.children.keys() ?? []) {
      if (!keys.includes(name) && !keys.includes(`${name}/`)) this.#options.warn(below(rel, name), "missing");
    }
  }

  /** The item of the ignore file that a folder had. */
  #ignoreItem(folder: number): number {
    const { old } = this.#record;
    return old !== undefined && (old.aux[folder] ?? 0) > 0 && old.kinds[folder + 1] === IGNORE
      ? folder + 1
      : NO_ITEM;
  }

  #isSameFile(item: number, path: string): boolean {
    const stat = this.#lstat(path);
    return (
      stat !== undefined &&
      this.#record.old?.matches(item, stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino) === true
    );
  }

  /** Takes the rules of a folder's own ignore file, and says whether they are those of the old index. */
  #takeRules(visit: Visit, own: RulesFile | undefined): { rules: FolderRules; isSame: boolean } {
    const item = this.#ignoreItem(visit.old);
    if (own === undefined) return { rules: visit.rules, isSame: item === NO_ITEM };
    const { text, stat } = own;
    const path = below(visit.rel, IGNORE_FILE);
    if (text === undefined) {
      this.#notice(path, IGNORE_FILE, "symlink");
      return { rules: visit.rules, isSame: false };
    }
    const isSame = this.#record.old?.matches(item, stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino) === true;
    const at = this.#record.push(IGNORE, IGNORE_FILE, 0, this.#racy(stat));
    this.#record.setStats(at, stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino);
    return { rules: visit.rules.withText(visit.rel, text), isSame };
  }

  #racy({ ctimeNs, mtimeNs }: fs.BigIntStats): number {
    return this.#options.isRacy(ctimeNs, mtimeNs) ? RACY : 0;
  }

  #lstat(path: string): fs.BigIntStats | undefined {
    try {
      return fs.lstatSync(path, BIG);
    } catch (error) {
      this.#options.problem(this.#relative(path), "unreadable", error);
      return undefined;
    }
  }
}

function below(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Inside a folder that is taken whole, names that were asked for are taken whole too. */
function everything(node: IncludeNode | undefined): IncludeNode | undefined {
  return node === undefined ? undefined : { ...node, all: true };
}

/** Nobody expects what others installed, or hid, in a snapshot; `src/events` somebody might. */
function isWorthSaying(name: string): boolean {
  return !name.startsWith(".") && name !== "node_modules";
}

function isCoded(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

function isMissing({ code }: { code: string }): boolean {
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "SNAPSHOT_VANISHED";
}
