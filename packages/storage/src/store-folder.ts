import { join, resolve } from "node:path";
import {
  type FileSystem,
  openInsideSync,
  readFileLimitedSync,
  resolveInsideSync,
  writeFileAtomicSync,
} from "@holdfast/fsutil";
import { closedError, StoreDamagedError, StoreError } from "./errors.ts";
import { asStoreError } from "./file-errors.ts";
import { isRecord } from "./json.ts";
import { type Clock, formatTimestamp } from "./timestamp.ts";

/** The version of the layout that this package reads and writes. */
const STORE_FORMAT = 1;
const STORE_FILE = "store.json";
const OUR_FOLDERS = new Set([
  "runs",
  "tasks",
  "jobs",
  "snapshots",
  "objects",
  "idempotency",
  "index",
  "work",
]);
// What file systems and people leave in a folder that is empty to them.
const HARMLESS = new Set(["lost+found", ".gitignore", ".gitkeep", ".keep", ".DS_Store"]);

/** The folder of a file store: knows whether it is one, makes it one on the first write, and leads nowhere else. */
export class StoreFolder {
  readonly root: string;
  readonly fileSystem: FileSystem;
  readonly #clock: Clock;
  #isStore = false;
  #closed = false;

  constructor(root: string, fileSystem: FileSystem, clock: Clock) {
    this.root = resolve(root);
    this.fileSystem = fileSystem;
    this.#clock = clock;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
  }

  /** @throws {StoreError} `STORE_CLOSED` */
  assertOpen(): void {
    if (this.#closed) throw closedError(`the store "${this.root}"`);
  }

  /**
   * Before a read: whether there is anything to read. Touches nothing.
   *
   * @throws {StoreError} `STORE_NOT_A_STORE`, `STORE_NEWER_FORMAT`, `STORE_DAMAGED`, `STORE_CLOSED`
   */
  canRead(): boolean {
    this.assertOpen();
    return this.#isStore || this.#look() !== "missing";
  }

  /**
   * Before a write: makes the folder a store when it is none yet.
   *
   * @throws {StoreError} as `canRead()`, `STORE_NO_SPACE`, `STORE_READ_ONLY`
   */
  makeStore(): void {
    this.assertOpen();
    if (this.#isStore || this.#look() === "store") return;
    const text = JSON.stringify(
      {
        schema: `holdfast/store/v${STORE_FORMAT}`,
        format_version: STORE_FORMAT,
        created_at: formatTimestamp(this.#clock()),
      },
      undefined,
      2,
    );
    try {
      writeFileAtomicSync(join(this.root, STORE_FILE), `${text}\n`, { fileSystem: this.fileSystem });
    } catch (error) {
      throw asStoreError(error, "write", this.root);
    }
    this.#isStore = true;
  }

  /**
   * The real path of a file below the root.
   *
   * @throws {PathEscapeError} When a symlink leads out.
   */
  pathOf(relative: string): string {
    return resolveInsideSync(this.root, relative, { fileSystem: this.fileSystem });
  }

  /** Opens a file below the root for reading, in a way that cannot be raced out of it; `undefined` when there is none. */
  open(relative: string): ReturnType<typeof openInsideSync> | undefined {
    try {
      return openInsideSync(this.root, relative, "read", { fileSystem: this.fileSystem });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "FILE_MISSING") return undefined;
      throw error;
    }
  }

  /** The way to a path from the root, for messages. */
  relative(path: string): string {
    return path.startsWith(`${this.root}/`) ? path.slice(this.root.length + 1) : path;
  }

  /** Looks at the folder anew. `unmarked`: the parts of a store without `store.json`. */
  #look(): "store" | "unmarked" | "missing" {
    let names: readonly string[];
    try {
      const kind = this.fileSystem.statSync(this.root)?.kind;
      if (kind === undefined) return "missing";
      if (kind !== "directory") throw this.#notAStore(`it is a ${kind}, not a folder`);
      names = this.fileSystem.readdirSync(this.root);
    } catch (error) {
      throw asStoreError(error, "read", this.root);
    }
    if (names.includes(STORE_FILE)) {
      this.#checkFormat();
      this.#isStore = true;
      return "store";
    }
    const foreign = names.find((name) => !OUR_FOLDERS.has(name) && !isHarmless(name));
    if (foreign !== undefined) throw this.#notAStore(`it has no ${STORE_FILE}, but holds "${foreign}"`);
    return names.some((name) => OUR_FOLDERS.has(name)) ? "unmarked" : "missing";
  }

  #checkFormat(): void {
    const path = join(this.root, STORE_FILE);
    let mark: unknown;
    try {
      mark = JSON.parse(readFileLimitedSync(path, 65_536, { fileSystem: this.fileSystem }).toString("utf8"));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw asStoreError(error, "read", path);
      throw new StoreDamagedError(`Cannot read "${path}": it is not JSON; run repair to write it anew`, {
        path,
        cause: error,
      });
    }
    const version = isRecord(mark) ? formatOf(mark) : undefined;
    if (version === undefined) {
      throw new StoreDamagedError(
        `Cannot read "${path}": it names no format version; run repair to write it anew`,
        { path },
      );
    }
    if (version > STORE_FORMAT) {
      throw new StoreError(
        "STORE_NEWER_FORMAT",
        `Cannot open the store "${this.root}": it has format ${version}, this program knows ${STORE_FORMAT}; use a newer Holdfast`,
        { path },
      );
    }
  }

  #notAStore(state: string): StoreError {
    return new StoreError(
      "STORE_NOT_A_STORE",
      `Cannot use "${this.root}" as a store: ${state}; name another folder, or an empty one`,
      { path: this.root },
    );
  }
}

function formatOf(mark: Record<string, unknown>): number | undefined {
  const fromSchema = /^holdfast\/store\/v(\d+)$/.exec(String(mark["schema"]))?.[1];
  const named = [mark["format_version"], fromSchema === undefined ? undefined : Number(fromSchema)];
  const versions = named.filter((version) => typeof version === "number");
  return versions.length === 0 ? undefined : Math.max(...versions);
}

function isHarmless(name: string): boolean {
  return (
    HARMLESS.has(name) || isTemporary(name) || (name.startsWith(STORE_FILE) && name.endsWith(".corrupt"))
  );
}

/** Whether a name is one of a file that is being written, or of one whose writer died. */
function isTemporary(name: string): boolean {
  return /^\..+\.tmp\.\d+\.[0-9A-Za-z]+$/.test(name);
}
