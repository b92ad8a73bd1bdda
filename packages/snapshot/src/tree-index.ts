import type { HashedFiles } from "./hash-files.ts";
import { NameList } from "./name-list.ts";

/** What an item of a tree is. A folder is followed by what is in it. */
export const FOLDER = 1;
export const FILE = 2;
/** A name that was left out and is reported. */
export const NOTICE = 3;
/** The ignore file of the folder it follows. */
export const IGNORE = 4;

/** The item must be looked at again: it changed too recently, or is not known yet. */
export const RACY = 1;
/** The file could not be read, and is left out. */
export const SKIPPED = 2;
/** The file has not been read yet. */
export const UNREAD = 4;

const COLUMNS = 4;
const DIGEST_BYTES = 32;

/** Items in one part of a wide column. */
const PART_ITEMS = 16_384;

interface Part {
  readonly stats: BigInt64Array;
  readonly digests: Buffer;
}

/** The columns of a {@link TreeIndex}, each whole. */
export interface IndexColumns {
  readonly kinds: Uint8Array<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
  readonly aux: Uint32Array<ArrayBuffer>;
  readonly stats: BigInt64Array;
  readonly digests: Buffer;
  readonly names: NameList;
}

/**
 * What a walk found, in its order, one item a row: kind, flags, four numbers of `stat`, a name, a checksum.
 * Numbers are kept in typed arrays, so that a hundred thousand files cost few megabytes.
 *
 * - folder: device, mtime, ctime, inode; `aux`: how many items follow that are below it
 * - file: size, mtime, ctime, inode; `aux`: permission bits; a checksum
 * - notice: `aux`: the reason
 * - ignore file: size, mtime, ctime, inode
 */
export class TreeIndex {
  count = 0;
  kinds = new Uint8Array(0);
  flags = new Uint8Array(0);
  aux = new Uint32Array(0);
  names = new NameList();
  /** The wide columns stand in parts that never move: growing them would leave as much behind to be collected. */
  readonly #parts: Part[] = [];

  /** An index of whole columns, to be read; `undefined` when they do not belong together. */
  static from(columns: IndexColumns): TreeIndex | undefined {
    const { kinds, flags, aux, stats, digests, names } = columns;
    const count = kinds.length;
    const isWhole =
      flags.length === count &&
      aux.length === count &&
      stats.length === count * COLUMNS &&
      digests.length === count * DIGEST_BYTES &&
      names.length === count;
    if (!isWhole) return undefined;
    const index = new TreeIndex();
    Object.assign(index, { count, kinds, flags, aux, names });
    for (let from = 0; from < count; from += PART_ITEMS) {
      const to = from + PART_ITEMS;
      index.#parts.push({
        stats: stats.subarray(from * COLUMNS, to * COLUMNS),
        digests: digests.subarray(from * DIGEST_BYTES, to * DIGEST_BYTES),
      });
    }
    for (let at = 0; at < count; at++) if (kinds[at] === FOLDER && index.after(at) > count) return undefined;
    return index;
  }

  /** The bytes of the wide columns, part by part. */
  wideColumns(): { readonly stats: readonly Buffer[]; readonly digests: readonly Buffer[] } {
    const used = (part: number): number => Math.min(this.count - part * PART_ITEMS, PART_ITEMS);
    return {
      stats: this.#parts.map(({ stats }, part) =>
        Buffer.from(stats.buffer, stats.byteOffset, used(part) * COLUMNS * stats.BYTES_PER_ELEMENT),
      ),
      digests: this.#parts.map(({ digests }, part) => digests.subarray(0, used(part) * DIGEST_BYTES)),
    };
  }

  /** Adds an item and gives its place. */
  push(kind: number, name: string, aux: number, flags: number): number {
    const at = this.count++;
    if (at >= this.kinds.length || at % PART_ITEMS === 0) this.#grow();
    this.kinds[at] = kind;
    this.flags[at] = flags;
    this.aux[at] = aux;
    this.names.push(name);
    return at;
  }

  setStats(at: number, first: bigint, mtimeNs: bigint, ctimeNs: bigint, ino: bigint): void {
    const stats = this.#part(at).stats;
    const base = (at % PART_ITEMS) * COLUMNS;
    stats[base] = first;
    stats[base + 1] = mtimeNs;
    stats[base + 2] = ctimeNs;
    stats[base + 3] = ino;
  }

  /** Fills in some files that follow each other: as many of what was hashed, from one of them on. */
  setFiles(at: number, hashed: HashedFiles, from: number, count: number, flags: Uint8Array): void {
    for (let done = 0; done < count; ) {
      const some = Math.min(count - done, PART_ITEMS - ((at + done) % PART_ITEMS));
      this.#copyWide(at + done, hashed, from + done, some);
      done += some;
    }
    for (let place = 0; place < count; place++) {
      this.aux[at + place] = (hashed.modes[from + place] ?? 0) & 0o7777;
      this.flags[at + place] = flags[from + place] ?? 0;
    }
  }

  /** Adds a copy of another index's item. */
  copy(from: TreeIndex, item: number): number {
    const at = this.push(
      from.kinds[item] ?? 0,
      from.names.at(item),
      from.aux[item] ?? 0,
      from.flags[item] ?? 0,
    );
    this.#copyWide(at, from.#part(item), item % PART_ITEMS, 1);
    return at;
  }

  /** Whether an item was recorded of exactly this. */
  matches(at: number, first: bigint, mtimeNs: bigint, ctimeNs: bigint, ino: bigint): boolean {
    const stats = this.#parts[Math.trunc(at / PART_ITEMS)]?.stats;
    const base = (at % PART_ITEMS) * COLUMNS;
    return (
      stats !== undefined &&
      this.flags[at] === 0 &&
      stats[base + 1] === mtimeNs &&
      stats[base + 2] === ctimeNs &&
      stats[base] === first &&
      stats[base + 3] === ino
    );
  }

  sizeOf(at: number): number {
    return Number(this.#part(at).stats[(at % PART_ITEMS) * COLUMNS]);
  }

  mtimeUsOf(at: number): number {
    return Number((this.#part(at).stats[(at % PART_ITEMS) * COLUMNS + 1] ?? 0n) / 1_000n);
  }

  /** The checksum of a file that is known. */
  sumOf(at: number): string {
    const from = (at % PART_ITEMS) * DIGEST_BYTES;
    return `sha256:${this.#part(at).digests.toString("hex", from, from + DIGEST_BYTES)}`;
  }

  nameOf(at: number): string {
    return this.names.at(at);
  }

  /** The place after an item and everything below it. */
  after(at: number): number {
    return this.kinds[at] === FOLDER ? at + 1 + (this.aux[at] ?? 0) : at + 1;
  }

  /** The items directly in a folder, by name; none for what is no folder. */
  childrenOf(folder: number): Map<string, number> {
    const children = new Map<string, number>();
    if (this.kinds[folder] !== FOLDER) return children;
    const end = this.after(folder);
    for (let at = folder + 1; at < end; at = this.after(at)) children.set(this.names.at(at), at);
    return children;
  }

  #part(at: number): Part {
    const number = Math.trunc(at / PART_ITEMS);
    const part = this.#parts[number];
    if (part === undefined) throw new RangeError(`There is no item ${at} of ${this.count}`);
    return part;
  }

  #copyWide(at: number, source: Pick<HashedFiles, "stats" | "digests">, from: number, count: number): void {
    const { stats, digests } = this.#part(at);
    const to = at % PART_ITEMS;
    stats.set(source.stats.subarray(from * COLUMNS, (from + count) * COLUMNS), to * COLUMNS);
    digests.set(
      source.digests.subarray(from * DIGEST_BYTES, (from + count) * DIGEST_BYTES),
      to * DIGEST_BYTES,
    );
  }

  #grow(): void {
    const { kinds, flags, aux } = this;
    if (this.count > this.#parts.length * PART_ITEMS) {
      const stats = new BigInt64Array(PART_ITEMS * COLUMNS);
      this.#parts.push({ stats, digests: Buffer.alloc(PART_ITEMS * DIGEST_BYTES) });
    }
    if (this.count <= kinds.length) return;
    const size = Math.max(64, kinds.length * 2);
    (this.kinds = new Uint8Array(size)).set(kinds);
    (this.flags = new Uint8Array(size)).set(flags);
    (this.aux = new Uint32Array(size)).set(aux);
  }
}
