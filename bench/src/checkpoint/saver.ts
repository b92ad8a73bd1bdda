import type { DatabaseSync } from "node:sqlite";

// @langchain/langgraph-checkpoint-sqlite needs better-sqlite3, which is built or downloaded for each system when it is installed. This stands in for it: the
// same table, journal and statements over node:sqlite, and what its serializer does to each value on the way out (a replacer) and back (a copy that awaits
// each member). What that package does besides (looking for cycles first, reading pending writes) is left out, in its favour.

const TABLE = `CREATE TABLE IF NOT EXISTS checkpoints (
  thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL, parent_checkpoint_id TEXT, type TEXT,
  checkpoint BLOB, metadata BLOB, PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id))`;
const PUT =
  "INSERT OR REPLACE INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)";
const GET =
  "SELECT checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? ORDER BY checkpoint_id DESC LIMIT 1";

/** How a state becomes bytes and comes back. */
export interface Serializer {
  readonly dump: (state: unknown) => Uint8Array;
  readonly load: (bytes: Uint8Array) => unknown;
}

/** The least there is. */
export const plainJson: Serializer = {
  dump: (state) => Buffer.from(JSON.stringify(state)),
  load: (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")),
};

/** In the way of LangGraph's, which keeps sets, maps and errors too. */
export const markedJson: Serializer = {
  dump: (state) => new TextEncoder().encode(JSON.stringify(state, (_name, value: unknown) => marked(value))),
  load: (bytes) => revived(JSON.parse(new TextDecoder().decode(bytes))),
};

function marked(value: unknown): unknown {
  if (value === undefined) return { lc: 2, type: "undefined" };
  if (value instanceof Set || value instanceof Map)
    return { lc: 2, id: [value.constructor.name], args: [[...value]] };
  if (value instanceof RegExp) return { lc: 2, id: ["RegExp"], args: [value.source, value.flags] };
  if (value instanceof Error) return { lc: 2, id: ["Error"], args: [value.message] };
  return value;
}

async function revived(value: unknown): Promise<unknown> {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map((item) => revived(item)));
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) copy[name] = await revived(item);
  return copy;
}

/** Checkpoints as rows of a database, durable when `put` returns. */
export class SqliteSaver {
  readonly #database: DatabaseSync;
  readonly #serializer: Serializer;

  constructor(database: DatabaseSync, serializer: Serializer) {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(TABLE);
    this.#database = database;
    this.#serializer = serializer;
  }

  put(state: unknown): void {
    const row = ["thread", "", "checkpoint", null, "json", this.#serializer.dump(state), "{}"] as const;
    this.#database.prepare(PUT).run(...row);
  }

  async get(): Promise<unknown> {
    const bytes = this.#database.prepare(GET).get("thread", "")?.["checkpoint"];
    if (!(bytes instanceof Uint8Array)) throw new Error("There is no checkpoint");
    return this.#serializer.load(bytes);
  }
}
