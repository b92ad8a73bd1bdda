import type { HashedFiles } from "./hash-files.ts";

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
  stats = new BigInt64Array(0);
  names: string[] = [];
  digests = Buffer.alloc(0);

  /** Adds an item and gives its place. */
  push(kind: number, name: string, aux: number, flags: number): number {
    const at = this.count++;
    if (at >= this.kinds.length) this.#grow();
    this.kinds[at] = kind;
    this.flags[at] = flags;
    this.aux[at] = aux;
    this.names.push(name);
    return at;
  }

  setStats(at: number, first: bigint, mtimeNs: bigint, ctimeNs: bigint, ino: bigint): void {
    const base = at * COLUMNS;
    this.stats[base] = first;
    this.stats[base + 1] = mtimeNs;
    this.stats[base + 2] = ctimeNs;
    this.stats[base + 3] = ino;
  }

  /** Fills in some files that follow each other: as many of what was hashed, from one of them on. */
  setFiles(at: number, hashed: HashedFiles, from: number, count: number, flags: Uint8Array): void {
    this.#copyNumbers(at, hashed.stats, hashed.digests, from, count);
    for (let place = 0; place < count; place++) {
      this.aux[at + place] = (hashed.modes[from + place] ?? 0) & 0o7777;
      this.flags[at + place] = flags[from + place] ?? 0;
    }
  }

  /** Adds a copy of another index's item. */
  copy(from: TreeIndex, item: number): number {
    const at = this.push(
      from.kinds[item] ?? 0,
      from.names[item] ?? "",
      from.aux[item] ?? 0,
      from.flags[item] ?? 0,
    );
    this.#copyNumbers(at, from.stats, from.digests, item, 1);
    return at;
  }

  /** Whether an item was recorded of exactly this. */
  matches(at: number, first: bigint, mtimeNs: bigint, ctimeNs: bigint, ino: bigint): boolean {
    const base = at * COLUMNS;
    const stats = this.stats;
    return (
      this.flags[at] === 0 &&
      stats[base + 1] === mtimeNs &&
      stats[base + 2] === ctimeNs &&
      stats[base] === first &&
      stats[base + 3] === ino
    );
  }

  sizeOf(at: number): number {
    return Number(this.stats[at * COLUMNS]);
  }

  mtimeUsOf(at: number): number {
    return Number((this.stats[at * COLUMNS + 1] ?? 0n) / 1_000n);
  }

  /** The checksum of a file that is known. */
  sumOf(at: number): string {
    return `sha256:${this.digests.toString("hex", at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES)}`;
  }

  nameOf(at: number): string {
    return this.names[at] ?? "";
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
    for (let at = folder + 1; at < end; at = this.after(at)) children.set(this.names[at] ?? "", at);
    return children;
  }

  #copyNumbers(at: number, stats: BigInt64Array, digests: Uint8Array, from: number, count: number): void {
    this.stats.set(stats.subarray(from * COLUMNS, (from + count) * COLUMNS), at * COLUMNS);
    this.digests.set(digests.subarray(from * DIGEST_BYTES, (from + count) * DIGEST_BYTES), at * DIGEST_BYTES);
  }

  #grow(): void {
    const size = Math.max(64, this.kinds.length * 2);
    const { kinds, flags, aux, stats, digests } = this;
    (this.digests = Buffer.alloc(size * DIGEST_BYTES)).set(digests);
    (this.kinds = new Uint8Array(size)).set(kinds);
    (this.flags = new Uint8Array(size)).set(flags);
    (this.aux = new Uint32Array(size)).set(aux);
    (this.stats = new BigInt64Array(size * COLUMNS)).set(stats);
  }
}
