/** What an item of a tree is. A folder is followed by what is in it. */
export const FOLDER = 1;
export const FILE = 2;
/** A name that was left out and is reported. */
export const NOTICE = 3;
/** The ignore file of the folder it follows. */
export const IGNORE = 4;

/** The item must be looked at again: it changed too recently, or could not be read. */
export const RACY = 1;

const COLUMNS = 4;

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
  /** By item; an empty text for what is no file. */
  sums: string[] = [];

  /** Adds an item and gives its place. */
  push(kind: number, name: string, aux: number, flags: number): number {
    const at = this.count++;
    if (at >= this.kinds.length) this.#grow();
    this.kinds[at] = kind;
    this.flags[at] = flags;
    this.aux[at] = aux;
    this.names.push(name);
    this.sums.push("");
    return at;
  }

  setStats(at: number, first: bigint, mtimeNs: bigint, ctimeNs: bigint, ino: bigint): void {
    const base = at * COLUMNS;
    this.stats[base] = first;
    this.stats[base + 1] = mtimeNs;
    this.stats[base + 2] = ctimeNs;
    this.stats[base + 3] = ino;
  }

  /** Fills in a file: the `place`-th of what was hashed. */
  setFile(at: number, stats: BigInt64Array, place: number, mode: number, sum: string): void {
    this.#copyStats(at, stats, place);
    this.aux[at] = mode;
    this.sums[at] = sum;
  }

  /** Adds a copy of another index's item. */
  copy(from: TreeIndex, item: number): number {
    const at = this.push(
      from.kinds[item] ?? 0,
      from.names[item] ?? "",
      from.aux[item] ?? 0,
      from.flags[item] ?? 0,
    );
    this.sums[at] = from.sums[item] ?? "";
    this.#copyStats(at, from.stats, item);
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

  #copyStats(at: number, from: BigInt64Array, place: number): void {
    this.stats.set(from.subarray(place * COLUMNS, (place + 1) * COLUMNS), at * COLUMNS);
  }

  #grow(): void {
    const size = Math.max(64, this.kinds.length * 2);
    const { kinds, flags, aux, stats } = this;
    (this.kinds = new Uint8Array(size)).set(kinds);
    (this.flags = new Uint8Array(size)).set(flags);
    (this.aux = new Uint32Array(size)).set(aux);
    (this.stats = new BigInt64Array(size * COLUMNS)).set(stats);
  }
}
