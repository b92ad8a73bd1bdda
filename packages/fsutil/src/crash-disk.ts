import { basename, dirname, resolve, sep } from "node:path";
import type { FileStat, FileSystem, OpenFile, OpenMode } from "./file-system.ts";

/**
 * What is left after the power failed. `synced`: only what was synced, contents and names. `names`: all names, but of
 * the contents only what was synced (a disk may write them in this order too). `everything`: as after `kill -9`.
 */
export type PowerLoss = "synced" | "names" | "everything";

/** A disk in memory that knows which of its bytes and names are durable. */
export interface CrashDisk extends FileSystem {
  /** The disk as it is found when the power comes back; this one stays as it is. */
  afterPowerLoss(kept: PowerLoss): CrashDisk;
  /** A file's content now, as text; `undefined` when there is none. */
  text(path: string): string | undefined;
  /** Paths of all files and folders now, sorted. */
  paths(): string[];
  /** Files that are open now. */
  readonly openFiles: number;
}

interface FileNode {
  readonly kind: "file";
  readonly ino: bigint;
  mode: number;
  mtimeNs: bigint;
  data: Uint8Array<ArrayBuffer>;
  durable: Uint8Array<ArrayBuffer>;
}

interface FolderNode {
  readonly kind: "directory";
  readonly ino: bigint;
  mode: number;
  mtimeNs: bigint;
  names: Map<string, Node>;
  durable: Map<string, Node>;
}

type Node = FileNode | FolderNode;

function fail(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: '${path}'`), { code, path });
}

class MemoryDisk implements CrashDisk {
  readonly #root: FolderNode;
  #ino: bigint;
  #open = 0;

  constructor(root: FolderNode, ino: bigint) {
    this.#root = root;
    this.#ino = ino;
  }

  get openFiles(): number {
    return this.#open;
  }

  #find(path: string): Node | undefined {
    let at: Node = this.#root;
    for (const part of resolve(path)
      .split(sep)
      .filter((name) => name !== "")) {
      if (at.kind !== "directory") fail("ENOTDIR", path);
      const next = at.names.get(part);
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  #need(path: string): Node {
    return this.#find(path) ?? fail("ENOENT", path);
  }

  #folder(path: string): FolderNode {
    const node = this.#need(path);
    return node.kind === "directory" ? node : fail("ENOTDIR", path);
  }

  /** The folder a name is in, and the name. */
  #place(path: string): { folder: FolderNode; name: string } {
    const full = resolve(path);
    return { folder: this.#folder(dirname(full)), name: basename(full) };
  }

  openSync(path: string, mode: OpenMode, permissions = 0o600): OpenFile {
    const { folder, name } = this.#place(path);
    let node = folder.names.get(name);
    if (node !== undefined && mode === "create") fail("EEXIST", path);
    if (node === undefined) {
      if (mode === "read" || mode === "update") fail("ENOENT", path);
      node = {
        kind: "file",
        ino: ++this.#ino,
        mode: permissions,
        mtimeNs: 0n,
        data: new Uint8Array(),
        durable: new Uint8Array(),
      };
      folder.names.set(name, node);
    }
    if (node.kind !== "file" && mode !== "read") fail("EISDIR", path);
    this.#open++;
    return this.#handle(path, node, mode);
  }

  #handle(path: string, node: Node, mode: OpenMode): OpenFile {
    let open = true;
    const file = (): FileNode => {
      if (!open) fail("EBADF", path);
      return node.kind === "file" ? node : fail("EISDIR", path);
    };
    const writeSync = (data: Uint8Array, position: number): number => {
      const target = file();
      if (mode === "read") fail("EBADF", path);
      const at = mode === "append" ? target.data.byteLength : position;
      const next = new Uint8Array(Math.max(target.data.byteLength, at + data.byteLength));
      next.set(target.data);
      next.set(data, at);
      target.data = next;
      return data.byteLength;
    };
    const readSync = (buffer: Uint8Array, position: number): number => {
      const part = file().data.subarray(position, position + buffer.byteLength);
      buffer.set(part);
      return part.byteLength;
    };
    const syncSync = (): void => {
      const target = file();
      target.durable = target.data.slice();
    };
    return {
      path,
      readSync,
      read: async (buffer, position) => readSync(buffer, position),
      writeSync,
      write: async (data, position) => writeSync(data, position),
      syncSync,
      sync: async () => syncSync(),
      truncateSync: (length) => {
        const target = file();
        const next = new Uint8Array(length);
        next.set(target.data.subarray(0, length));
        target.data = next;
      },
      statSync: () => (open ? this.#stat(node) : fail("EBADF", path)),
      chmodSync: (bits) => {
        if (!open) fail("EBADF", path);
        node.mode = bits;
      },
      closeSync: () => {
        if (open) this.#open--;
        open = false;
      },
    };
  }

  #stat(node: Node): FileStat {
    const { kind, mode, mtimeNs, ino } = node;
    return {
      kind,
      mode,
      mtimeNs,
      ctimeNs: mtimeNs,
      ino,
      dev: 1n,
      size: kind === "file" ? node.data.byteLength : 0,
    };
  }

  renameSync(from: string, to: string): void {
    const source = this.#place(from);
    const target = this.#place(to);
    const node = source.folder.names.get(source.name) ?? fail("ENOENT", from);
    if (`${resolve(to)}${sep}`.startsWith(`${resolve(from)}${sep}`) && resolve(to) !== resolve(from))
      fail("EINVAL", to);
    const taken = target.folder.names.get(target.name);
    if (taken?.kind === "directory" && node.kind === "file") fail("EISDIR", to);
    if (taken?.kind === "directory" && taken.names.size > 0) fail("ENOTEMPTY", to);
    if (taken === node) return;
    source.folder.names.delete(source.name);
    target.folder.names.set(target.name, node);
  }

  linkSync(existing: string, path: string): void {
    const node = this.#need(existing);
    const { folder, name } = this.#place(path);
    if (folder.names.has(name)) fail("EEXIST", path);
    if (node.kind !== "file") fail("EPERM", existing);
    folder.names.set(name, node);
  }

  unlinkSync(path: string): void {
    const { folder, name } = this.#place(path);
    const node = folder.names.get(name) ?? fail("ENOENT", path);
    if (node.kind === "directory") fail("EISDIR", path);
    folder.names.delete(name);
  }

  mkdirSync(path: string, permissions: number): void {
    const { folder, name } = this.#place(path);
    if (folder.names.has(name)) fail("EEXIST", path);
    folder.names.set(name, {
      kind: "directory",
      ino: ++this.#ino,
      mode: permissions,
      mtimeNs: 0n,
      names: new Map(),
      durable: new Map(),
    });
  }

  rmdirSync(path: string): void {
    const { folder, name } = this.#place(path);
    const node = folder.names.get(name) ?? fail("ENOENT", path);
    if (node.kind !== "directory") fail("ENOTDIR", path);
    if (node.names.size > 0) fail("ENOTEMPTY", path);
    folder.names.delete(name);
  }

  readdirSync(path: string): string[] {
    return [...this.#folder(path).names.keys()];
  }

  lstatSync(path: string): FileStat | undefined {
    try {
      return this.#stat(this.#need(path));
    } catch {
      return undefined; // also below a file, as Node answers
    }
  }

  statSync(path: string): FileStat | undefined {
    return this.lstatSync(path); // it has no symlinks
  }

  realpathSync(path: string): string {
    this.#need(path);
    return resolve(path);
  }

  utimesSync(path: string, mtimeNs: bigint): void {
    this.#need(path).mtimeNs = mtimeNs;
  }

  syncDirectorySync(path: string): void {
    const folder = this.#folder(path);
    folder.durable = new Map(folder.names);
  }

  async syncDirectory(path: string): Promise<void> {
    this.syncDirectorySync(path);
  }

  afterPowerLoss(kept: PowerLoss): CrashDisk {
    const copies = new Map<Node, Node>(); // hard links stay links
    const survive = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const { ino, mode, mtimeNs } = node;
      if (node.kind === "file") {
        const data = kept === "everything" ? node.data : node.durable;
        // What was merely written, and survived a kill, is still not durable.
        const copy: FileNode = { kind: "file", ino, mode, mtimeNs, data, durable: node.durable };
        copies.set(node, copy);
        return copy;
      }
      const copy: FolderNode = {
        kind: "directory",
        ino,
        mode,
        mtimeNs,
        names: new Map(),
        durable: new Map(),
      };
      copies.set(node, copy);
      for (const [name, child] of kept === "synced" ? node.durable : node.names)
        copy.names.set(name, survive(child));
      if (kept === "everything")
        for (const [name, child] of node.durable) copy.durable.set(name, survive(child));
      else copy.durable = new Map(copy.names);
      return copy;
    };
    const root = survive(this.#root);
    if (root.kind !== "directory") throw new TypeError("The root of a disk is a folder");
    return new MemoryDisk(root, this.#ino);
  }

  text(path: string): string | undefined {
    const node = this.#find(path);
    return node?.kind === "file" ? Buffer.from(node.data).toString("utf8") : undefined;
  }

  paths(): string[] {
    const found: string[] = [];
    const walk = (folder: FolderNode, prefix: string): void => {
      for (const [name, node] of folder.names) {
        found.push(prefix + name);
        if (node.kind === "directory") walk(node, `${prefix}${name}/`);
      }
    };
    walk(this.#root, "/");
    return found.toSorted();
  }
}

/**
 * An empty disk in memory, with a root folder and no symlinks, that keeps apart what was written and what was synced.
 * Together with `faultyFileSystem` it tries a power loss at every call of an operation:
 *
 * ```ts
 * const disk = crashDisk();
 * const dying = faultyFileSystem(disk, { at, lasting: true });  // from call `at` on nothing happens any more
 * const acknowledged = await save(dying).then(() => true, () => false);
 * for (const kept of ["synced", "names", "everything"] as const) inspect(disk.afterPowerLoss(kept), acknowledged);
 * ```
 */
export function crashDisk(): CrashDisk {
  return new MemoryDisk(
    { kind: "directory", ino: 1n, mode: 0o700, mtimeNs: 0n, names: new Map(), durable: new Map() },
    1n,
  );
}
