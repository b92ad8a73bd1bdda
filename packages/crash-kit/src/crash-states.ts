import { type Fate, SECTOR, SECTOR_BITS } from "./disk-image.ts";
import { type DiskOperation, isMetadata } from "./disk-operation.ts";
import type { DiskModel, Durability } from "./durable-operations.ts";
import type { SeededRandom } from "./seeded-random.ts";

const KEPT: Fate = { kind: "kept" };
const LOST: Fate = { kind: "lost" };
const ZEROS: Fate = { kind: "zeros" };

/** What may become of one operation that is not durable. */
interface Pending {
  readonly index: number;
  readonly operation: DiskOperation;
  /** From the likeliest to the strangest. The first is `kept`. */
  readonly fates: readonly Fate[];
  /** Whether only some of the sectors of a write may be there. */
  readonly isInSectors: boolean;
}

/** One way in which a crash may leave the disk: the fate of each operation that was not durable, by index. */
export type Fates = ReadonlyMap<number, Fate>;

/** What {@link crashStates} may give. */
export interface CrashStatesOptions {
  readonly model: DiskModel;
  /** Of the same operations and model. */
  readonly durability: Durability;
  readonly random: SeededRandom;
}

/**
 * Ways in which a crash after the first `count` operations may leave the disk: first all that is unsynced kept (as a killed process leaves
 * it) and all of it lost, then each operation alone lost, kept, torn and zeroed, then random mixtures, as the order allows. It ends when
 * it finds nothing new any more; for many bytes it may go on for long.
 */
export function* crashStates(
  operations: readonly DiskOperation[],
  count: number,
  { model, durability, random }: CrashStatesOptions,
): Generator<Fates> {
  const pending = pendingAt(operations, count, model, durability);
  const mixtures = model === "posix" ? anyOrder(pending, random) : journalOrder(pending, random);
  const seen = new Set<string>();
  let repeats = 0;
  for (const fates of mixtures) {
    const key = encodeFates(fates);
    if (seen.has(key)) {
      repeats += 1;
      if (repeats > 50) return;
      continue;
    }
    repeats = 0;
    seen.add(key);
    yield fates;
  }
}

function pendingAt(
  operations: readonly DiskOperation[],
  count: number,
  model: DiskModel,
  { from, newNameFrom }: Durability,
): readonly Pending[] {
  const pending: Pending[] = [];
  for (let index = 0; index < count; index += 1) {
    const operation = operations[index];
    if (operation === undefined || (from[index] ?? 0) <= count) continue;
    const isNewNameThere = (newNameFrom.get(index) ?? Number.POSITIVE_INFINITY) <= count;
    pending.push({
      index,
      operation,
      fates: fatesOf(operation, model, isNewNameThere),
      isInSectors: operation.kind === "write" && hasSectors(operation, model),
    });
  }
  return pending;
}

function fatesOf(operation: DiskOperation, model: DiskModel, isNewNameThere: boolean): readonly Fate[] {
  if (operation.kind === "write") {
    const torn = cutsOf(operation.data.length).map((bytes): Fate => ({ kind: "torn", bytes }));
    // With ordered data a file never grows over blocks that were not written.
    return model === "posix" ? [KEPT, LOST, ...torn, ZEROS] : [KEPT, LOST, ...torn];
  }
  if (operation.kind === "rename" && model === "posix" && operation.folder !== operation.toFolder) {
    const both: Fate = { kind: "torn", bytes: 0 };
    return isNewNameThere ? [KEPT, both] : [KEPT, LOST, both];
  }
  return [KEPT, LOST];
}

/** With ordered data only what overwrites may be there in part; what extends a file is there up to some byte. */
function hasSectors(
  { offset, data, before }: { readonly offset: number; readonly data: Uint8Array; readonly before: number },
  model: DiskModel,
): boolean {
  const end = offset + data.length;
  const isOneSector = Math.floor(offset / SECTOR) === Math.floor((end - 1) / SECTOR);
  return data.length > 1 && !isOneSector && (model === "posix" || end <= before);
}

/** Where a write may be cut: in the middle, one byte short, one byte in, and at the borders of sectors. */
function cutsOf(length: number): readonly number[] {
  const cuts = [length >> 1, length - 1, 1, 512, 4_096].filter((at) => at > 0 && at < length);
  return [...new Set(cuts)];
}

const all = (pending: readonly Pending[], fate: Fate): Map<number, Fate> =>
  new Map(pending.map(({ index, fates }) => [index, allowed(fates, fate)]));

/** The fate itself where it can happen to an operation, otherwise that it is kept. */
const allowed = (fates: readonly Fate[], fate: Fate): Fate =>
  fates.find((one) => sameFate(one, fate)) ?? KEPT;

const sameFate = (a: Fate, b: Fate): boolean =>
  a.kind === b.kind && (a.kind !== "torn" || b.kind !== "torn" || a.bytes === b.bytes);

function* anyOrder(pending: readonly Pending[], random: SeededRandom): Generator<Fates> {
  yield all(pending, KEPT);
  if (pending.length === 0) return;
  yield all(pending, LOST);
  for (const { index, fates } of pending) {
    for (const fate of fates) {
      yield all(pending, KEPT).set(index, fate);
      yield all(pending, LOST).set(index, fate);
    }
  }
  for (let cut = 1; cut < pending.length; cut += 1) {
    const kept = all(pending.slice(0, cut), KEPT);
    yield new Map([...kept, ...all(pending.slice(cut), LOST)]);
  }
  for (;;) yield new Map(pending.map((one) => [one.index, pick(one, random)]));
}

/** Names and attributes up to a place in the journal; contents as far as they got. */
function* journalOrder(pending: readonly Pending[], random: SeededRandom): Generator<Fates> {
  yield all(pending, KEPT);
  if (pending.length === 0) return;
  yield all(pending, LOST);
  const journal = pending.filter(({ operation }) => isMetadata(operation));
  const contents = pending.filter(({ operation }) => !isMetadata(operation));
  const cutJournal = (cut: number): [number, Fate][] =>
    journal.map(({ index }, place) => [index, place < cut ? KEPT : LOST]);
  for (let cut = 0; cut <= journal.length; cut += 1) {
    yield new Map([...cutJournal(cut), ...all(contents, KEPT)]);
    yield new Map([...cutJournal(cut), ...all(contents, LOST)]);
  }
  for (const { index, fates } of contents) {
    for (const fate of fates) yield settled(new Map([...all(pending, KEPT), [index, fate]]), contents);
  }
  for (;;) {
    const cut = Math.floor(random() * (journal.length + 1));
    const mixed = contents.map((one): [number, Fate] => [one.index, pick(one, random)]);
    yield settled(new Map([...cutJournal(cut), ...mixed]), contents);
  }
}

/** What follows the first missing byte of a file that grew is missing too. */
function settled(fates: Map<number, Fate>, contents: readonly Pending[]): Fates {
  const broken = new Set<number>();
  for (const { index, operation } of contents) {
    if (operation.kind !== "write" || operation.offset < operation.before) continue;
    if (broken.has(operation.node)) fates.set(index, LOST);
    else if (fates.get(index)?.kind !== "kept") broken.add(operation.node);
  }
  return fates;
}

/** Any fate of an operation: one of those that were listed, or, of a write, a cut at any byte or any of its sectors. */
function pick({ operation, fates, isInSectors }: Pending, random: SeededRandom): Fate {
  const listed = fates[Math.floor(random() * fates.length)] ?? KEPT;
  if (operation.kind !== "write" || operation.data.length < 2 || random() < 0.5) return listed;
  if (isInSectors && random() < 0.5)
    return { kind: "sectors", kept: Math.floor(random() * 2 ** SECTOR_BITS) };
  return { kind: "torn", bytes: 1 + Math.floor(random() * (operation.data.length - 1)) };
}

/** Fates as a short text, from which {@link decodeFates} makes them again. Kept operations are left out. */
export function encodeFates(fates: Fates): string {
  const parts: string[] = [];
  for (const [index, fate] of fates) {
    if (fate.kind === "lost") parts.push(`${index}l`);
    else if (fate.kind === "zeros") parts.push(`${index}z`);
    else if (fate.kind === "torn") parts.push(`${index}t${fate.bytes}`);
    else if (fate.kind === "sectors") parts.push(`${index}s${fate.kept}`);
  }
  return parts.join(".") || "-";
}

/** The fates that {@link encodeFates} wrote. */
export function decodeFates(text: string): Fates {
  if (text === "-") return new Map();
  return new Map(
    text.split(".").map((part): [number, Fate] => {
      const [, index = "", kind = "", bytes = ""] = /^(\d+)([lzts])(\d*)$/.exec(part) ?? [];
      if (kind === "")
        throw new RangeError(`Not the fates of a crash: ${JSON.stringify(text.slice(0, 100))}`);
      return [Number(index), fateOf(kind, Number(bytes))];
    }),
  );
}

function fateOf(kind: string, detail: number): Fate {
  if (kind === "l") return LOST;
  if (kind === "z") return ZEROS;
  return kind === "t" ? { kind: "torn", bytes: detail } : { kind: "sectors", kept: detail };
}
