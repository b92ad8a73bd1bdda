import { join } from "node:path";
import {
  acquireLock,
  type FileSystem,
  LockHeldError,
  readLockHolder,
  removeLeftovers,
} from "@holdfast/fsutil";
import { LogDamagedError, listLogFiles, readLines, readLog, recoverTail } from "@holdfast/ndjson";
import { textOf } from "./document-encoding.ts";
import { decodeDocument, readStoreFile } from "./document-file.ts";
import { StoreDamagedError, StoreError } from "./errors.ts";
import { keyName } from "./file-documents.ts";
import type { FileObjects } from "./file-objects.ts";
import type { CheckOptions, StoreFinding, StoreFindingKind } from "./finding.ts";
import { faultOf, removeDatabase } from "./log-index/index-database.ts";
import { indexFiles, summaryFiles } from "./log-index/index-files.ts";
import { logLockPath } from "./log-lock.ts";
import { type LineFormat, logFormat, logName, logPath } from "./log-path.ts";
import { readObject } from "./object-file.ts";
import { setAside, setLinesAside } from "./set-aside.ts";
import type { StoreFolder } from "./store-folder.ts";
import { namesIn, walkKeys } from "./walk-keys.ts";

/** How many damaged lines of one log are listed. */
const MAX_LISTED = 1_000;

const WARNINGS: ReadonlySet<StoreFindingKind> = new Set(["torn-tail", "leftover", "damaged-index"]);

/** Something wrong, and what would mend it. */
export interface Problem {
  readonly finding: StoreFinding;
  /** Mends it and says what was done. */
  readonly mend?: () => Promise<string>;
  /** Whether mending takes something away that was kept. */
  readonly isSalvage?: boolean;
}

/** Looks at everything in a store of files, one thing after the other, and changes nothing. */
export async function* findProblems(
  folder: StoreFolder,
  objects: FileObjects,
  options: CheckOptions,
): AsyncGenerator<Problem> {
  const { prefix = "", signal } = options;
  const mark = markProblem(folder);
  if (mark !== undefined) {
    yield mark;
    return; // the rest cannot be understood without it
  }
  if (!folder.canRead()) return;
  for (const { relative } of walkKeys(folder, keyName, { prefix })) {
    signal?.throwIfAborted();
    yield* documentProblems(folder, relative);
  }
  if (prefix === "") for (const relative of workItems(folder)) yield* documentProblems(folder, relative);
  for (const { key } of walkKeys(folder, logName, { prefix })) {
    signal?.throwIfAborted();
    yield* logProblems(folder, key, signal);
  }
  if (options.objects ?? prefix === "") yield* objectProblems(folder, objects, signal);
  yield* indexProblems(folder, prefix, signal);
  yield* summaryProblems(folder, prefix);
  yield* leftoverProblems(folder, prefix);
}

function problemOf(
  kind: StoreFindingKind,
  path: string,
  message: string,
  more: Partial<Omit<StoreFinding, "kind">> = {},
): StoreFinding {
  const severity = WARNINGS.has(kind) ? "warning" : "error";
  return { kind, severity, path, message, ...more };
}

/** What `error` means for a file: damage, or that it cannot be read at all. */
function fromError(kind: StoreFindingKind, path: string, error: unknown): StoreFinding {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof StoreDamagedError)) return problemOf("unreadable", path, message);
  const { line, offset } = error;
  return problemOf(kind, path, message, {
    ...(line !== undefined && { line }),
    ...(offset !== undefined && { offset }),
  });
}

function markProblem(folder: StoreFolder): Problem | undefined {
  try {
    folder.canRead();
    return undefined;
  } catch (error) {
    if (!(error instanceof StoreError && error.code === "STORE_DAMAGED")) throw error;
    const mend = async (): Promise<string> => {
      await setAside(folder.fileSystem, join(folder.root, "store.json"));
      folder.makeStore();
      return "written anew; the damaged one is kept as store.json.corrupt";
    };
    return { finding: fromError("damaged-store", "store.json", error), mend, isSalvage: true };
  }
}

async function* documentProblems(folder: StoreFolder, relative: string): AsyncGenerator<Problem> {
  try {
    const bytes = await readStoreFile(folder, relative);
    if (bytes !== undefined) decodeDocument(await textOf(bytes, relative), relative);
  } catch (error) {
    const finding = fromError("damaged-document", relative, error);
    if (finding.kind === "unreadable") yield { finding };
    else yield { finding, mend: () => moveAway(folder, relative), isSalvage: true };
  }
}

async function moveAway(folder: StoreFolder, relative: string): Promise<string> {
  const aside = await setAside(folder.fileSystem, folder.pathOf(relative));
  return `moved to "${folder.relative(aside)}"`;
}

function* workItems(folder: StoreFolder): Generator<string> {
  const { fileSystem, root } = folder;
  for (const queue of namesIn(fileSystem, join(root, "work")).toSorted()) {
    for (const name of namesIn(fileSystem, join(root, "work", queue)).toSorted()) {
      const relative = join("work", queue, name, "item.json");
      if (fileSystem.lstatSync(join(root, relative))?.kind === "file") yield relative;
    }
  }
}

async function* logProblems(
  folder: StoreFolder,
  key: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Problem> {
  const { fileSystem } = folder;
  const relative = logPath(key);
  const format = logFormat(key);
  const lockPath = join(folder.root, logLockPath(key));
  try {
    const path = folder.pathOf(relative);
    const options = { format, fileSystem, ...(signal !== undefined && { signal }) };
    const { damaged, more } = await damagedLines(path, options);
    const mended = new Map<string, Promise<string>>();
    for (const error of damaged) {
      const { line, offset } = error;
      const mend = (): Promise<string> => {
        const running =
          mended.get(error.path) ?? underLock(folder, lockPath, () => takeOut(folder, error.path, format));
        mended.set(error.path, running);
        return running;
      };
      const finding = problemOf("damaged-line", folder.relative(error.path), error.message, { line, offset });
      yield { finding, mend, isSalvage: true };
    }
    if (more > 0) yield { finding: problemOf("damaged-line", relative, `${more} more lines are damaged`) };
    // A line that is being written looks like one that was torn.
    if (damaged.length > 0 || (await readLockHolder(lockPath, { fileSystem })) !== undefined) return;
    const torn = await recoverTail(path, { ...options, dryRun: true });
    if (torn === undefined) return;
    const { line, offset, length, reason } = torn;
    const what = `${length} bytes at the end are no whole record (${reason}); nobody was told that they were written`;
    const mend = (): Promise<string> =>
      underLock(folder, lockPath, async () => {
        const repair = await recoverTail(path, options);
        return repair === undefined
          ? "whole by now"
          : `cut off; the bytes are kept in "${folder.relative(repair.corruptPath)}"`;
      });
    yield { finding: problemOf("torn-tail", relative, what, { line, offset }), mend };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    yield { finding: fromError("unreadable", relative, error) };
  }
}

async function damagedLines(
  path: string,
  options: { readonly format: LineFormat; readonly fileSystem: FileSystem; readonly signal?: AbortSignal },
): Promise<{ readonly damaged: readonly LogDamagedError[]; readonly more: number }> {
  const { format, ...rest } = options;
  const damaged: LogDamagedError[] = [];
  let more = 0;
  const onDamage = (error: LogDamagedError): void => {
    if (damaged.length < MAX_LISTED) damaged.push(error);
    else more += 1;
  };
  // Lines are kept as they are given: only what is no JSON at all is damage here.
  const readOptions = { ...rest, exact: false, onDamage };
  const lines = format === "json" ? readLog(path, readOptions) : readLines(path, readOptions);
  while ((await lines.next()).done !== true);
  return { damaged, more };
}

async function takeOut(folder: StoreFolder, path: string, format: LineFormat): Promise<string> {
  const { fileSystem } = folder;
  // A batch that was cut off goes first, and with it the note that says where batches are: lines move up now.
  try {
    await recoverTail(path, { format, fileSystem });
  } catch (error) {
    if (!(error instanceof LogDamagedError)) throw error;
  }
  const count = await setLinesAside(fileSystem, path, format);
  return `${count} damaged lines were taken out; they are kept in "${folder.relative(path)}.corrupt"`;
}

async function underLock(
  folder: StoreFolder,
  lockPath: string,
  work: () => Promise<string>,
): Promise<string> {
  try {
    const lock = await acquireLock(lockPath, { worker: "repair", fileSystem: folder.fileSystem });
    try {
      return await work();
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new StoreError("STORE_FAILED", `it is being written now (${error.message})`, { cause: error });
  }
}

async function* objectProblems(
  folder: StoreFolder,
  objects: FileObjects,
  signal: AbortSignal | undefined,
): AsyncGenerator<Problem> {
  for (const found of objects.files()) {
    signal?.throwIfAborted();
    try {
      const file = folder.open(found.relative);
      if (file === undefined) continue;
      try {
        await readThrough(readObject(file, found, found.relative), signal);
      } finally {
        file.closeSync();
      }
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const finding = fromError("damaged-object", found.relative, error);
      if (finding.kind === "unreadable") yield { finding };
      else yield { finding, mend: () => moveAway(folder, found.relative), isSalvage: true };
    }
  }
}

async function readThrough(pieces: AsyncIterable<unknown>, signal: AbortSignal | undefined): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true) signal?.throwIfAborted();
}

/** Indexes that are damaged, or whose logs are gone: the next search makes what it needs. */
function* indexProblems(
  folder: StoreFolder,
  prefix: string,
  signal: AbortSignal | undefined,
): Generator<Problem> {
  const { fileSystem, root } = folder;
  for (const { key, relative } of indexFiles(folder)) {
    signal?.throwIfAborted();
    if (!key.startsWith(prefix)) continue;
    const mend = async (): Promise<string> => {
      removeDatabase(join(root, relative), fileSystem);
      return "removed";
    };
    if (listLogFiles(join(root, logPath(key)), { fileSystem }).length === 0) {
      yield { finding: problemOf("leftover", relative, `the index of "${key}", a log that is gone`), mend };
      continue;
    }
    const fault = faultOf(join(root, relative));
    if (fault === undefined) continue;
    const message = `the index is damaged (${fault}); it is made anew from the log when that is searched`;
    yield { finding: problemOf("damaged-index", relative, message), mend };
  }
}

/** Summaries whose logs are gone. One that does not fit its log is no problem: it is not used. */
function* summaryProblems(folder: StoreFolder, prefix: string): Generator<Problem> {
  const { fileSystem, root } = folder;
  for (const { key, relative } of summaryFiles(folder)) {
    if (!key.startsWith(prefix)) continue;
    if (listLogFiles(join(root, logPath(key)), { fileSystem }).length > 0) continue;
    const mend = async (): Promise<string> => {
      fileSystem.unlinkSync(join(root, relative));
      return "removed";
    };
    yield { finding: problemOf("leftover", relative, `the summary of "${key}", a log that is gone`), mend };
  }
}

async function* leftoverProblems(folder: StoreFolder, prefix: string): AsyncGenerator<Problem> {
  const { fileSystem, root } = folder;
  const cut = prefix.lastIndexOf("/");
  const below = cut === -1 ? root : join(root, prefix.slice(0, cut));
  for (const path of await removeLeftovers(below, { recursive: true, dryRun: true, fileSystem })) {
    const message = "left over from a write that was never finished; its writer is gone";
    const mend = async (): Promise<string> => {
      if (fileSystem.lstatSync(path) !== undefined) fileSystem.unlinkSync(path);
      return "removed";
    };
    yield { finding: problemOf("leftover", folder.relative(path), message), mend };
  }
}
