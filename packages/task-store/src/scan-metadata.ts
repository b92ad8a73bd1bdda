const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
// A byte order mark before the text is passed over.
const MARK = [0xef, 0xbb, 0xbf];
const MAX_KEY_BYTES = 1_024;
const MAX_VALUE_BYTES = 64 * 1024;

/** The fields that are looked for, in the order in which they are written. */
export const METADATA_FIELDS = ["task_id", "status", "pipeline_id", "created_at", "updated_at"] as const;

/** What was looked through is not the beginning of a task's JSON. Whoever parses it all can say more. */
class NotATask extends Error {}

/**
 * Finds the metadata fields of a task in its text, and reads no further than to the last of them. The rest is passed over without being
 * parsed; memory does not grow with it.
 *
 * @param pieces - The text in UTF-8, cut anywhere.
 * @returns What was found: a field is missing only when the text ends without it, or its writer says that there is none. `undefined` when it
 *   is no JSON object as far as it was looked at.
 */
export async function scanMetadata(
  pieces: AsyncIterable<Uint8Array>,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const scan = new Scan();
  try {
    for await (const piece of pieces) if (scan.take(piece)) return scan.found;
    return scan.isWhole ? scan.found : undefined;
  } catch (error) {
    if (error instanceof NotATask) return undefined;
    throw error;
  }
}

type Expected = "object" | "key" | "colon" | "value" | "nothing";

class Scan {
  readonly found: Record<string, unknown> = {};
  #expected: Expected = "object";
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Keys of the object so far, as many as are needed to know the order that the store writes. */
  readonly #keys: string[] = [];
  #field: string | undefined;
  /** What is being kept: a key, or the value of a field. */
  #kept: Uint8Array[] | undefined;
  #keptBytes = 0;
  #keptFrom = 0;
  /** How much of a byte order mark was passed over. */
  #markAt = 0;

  get isWhole(): boolean {
    return this.#expected === "nothing";
  }

  /** True once everything is known. */
  take(piece: Uint8Array): boolean {
    this.#keptFrom = 0;
    let at = 0;
    while (this.#markAt < MARK.length && at < piece.length) {
      if (piece[at] !== MARK[this.#markAt]) this.#markAt = MARK.length;
      else {
        this.#markAt += 1;
        at += 1;
      }
    }
    for (; at < piece.length; at += 1) {
      if (this.#inString) {
        at = this.#passString(piece, at);
        if (this.#inString) break;
        if (this.#depth === 1 && this.#expected === "key" && this.#endKey(piece, at)) return true;
      } else if (this.#step(piece, at)) return true;
    }
    this.#keep(piece, piece.length);
    return false;
  }

  /** Where the string ends, or the end of the piece. */
  #passString(piece: Uint8Array, from: number): number {
    let at = from;
    for (; at < piece.length; at += 1) {
      const code = piece[at];
      if (this.#escaped) this.#escaped = false;
      else if (code === BACKSLASH) this.#escaped = true;
      else if (code === QUOTE) {
        this.#inString = false;
        return at;
      }
    }
    return at;
  }

  #step(piece: Uint8Array, at: number): boolean {
    const code = piece[at] ?? 0;
    switch (code) {
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        return false;
      case QUOTE:
        this.#inString = true;
        if (this.#depth === 1 && this.#expected === "key") this.#startKeeping(at);
        else if (this.#expected !== "value") throw new NotATask();
        return false;
      case 0x7b: // {
      case 0x5b: // [
        this.#open(code);
        return false;
      case 0x7d: // }
      case 0x5d: // ]
        this.#close(code, piece, at);
        return false;
      case COMMA:
        return this.#depth <= 1 && this.#comma(piece, at);
      case COLON:
        if (this.#depth <= 1) this.#colon(at);
        return false;
      default:
        if (this.#expected !== "value") throw new NotATask();
        return false;
    }
  }

  #open(code: number): void {
    if (this.#expected === "object") {
      if (code !== 0x7b) throw new NotATask();
      this.#expected = "key";
    } else if (this.#expected !== "value") throw new NotATask();
    this.#depth += 1;
  }

  #close(code: number, piece: Uint8Array, at: number): void {
    if (this.#depth > 1) {
      this.#depth -= 1;
      return;
    }
    const isEmpty = this.#expected === "key" && this.#keys.length === 0;
    if (this.#depth === 0 || code !== 0x7d || !(isEmpty || this.#expected === "value")) throw new NotATask();
    this.#endValue(piece, at);
    this.#depth = 0;
    this.#expected = "nothing";
  }

  #comma(piece: Uint8Array, at: number): boolean {
    if (this.#expected !== "value") throw new NotATask();
    this.#endValue(piece, at);
    this.#expected = "key";
    return METADATA_FIELDS.every((name) => Object.hasOwn(this.found, name));
  }

  #colon(at: number): void {
    if (this.#expected !== "colon") throw new NotATask();
    this.#expected = "value";
    if (this.#field !== undefined) this.#startKeeping(at + 1);
  }

  /** True when the key says that what was not found is not there. */
  #endKey(piece: Uint8Array, at: number): boolean {
    this.#keep(piece, at + 1);
    const key = this.#kept === undefined ? undefined : this.#parse();
    this.#kept = undefined;
    this.#expected = "colon";
    const name = typeof key === "string" ? key : "";
    this.#field = METADATA_FIELDS.find((field) => field === name);
    if (isWrittenWithoutPipeline(this.#keys, name)) return true;
    if (this.#keys.length <= METADATA_FIELDS.length) this.#keys.push(name);
    return false;
  }

  #endValue(piece: Uint8Array, at: number): void {
    const field = this.#field;
    if (field === undefined) return;
    this.#keep(piece, at);
    if (this.#kept === undefined) throw new NotATask();
    this.found[field] = this.#parse();
    this.#kept = undefined;
    this.#field = undefined;
  }

  #startKeeping(at: number): void {
    this.#kept = [];
    this.#keptBytes = 0;
    this.#keptFrom = at;
  }

  #keep(piece: Uint8Array, end: number): void {
    if (this.#kept === undefined) return;
    const part = piece.subarray(this.#keptFrom, end);
    this.#keptBytes += part.length;
    this.#kept.push(part);
    const limit = this.#expected === "key" ? MAX_KEY_BYTES : MAX_VALUE_BYTES;
    if (this.#keptBytes > limit) this.#kept = undefined;
  }

  #parse(): unknown {
    try {
      return JSON.parse(Buffer.concat(this.#kept ?? []).toString("utf8"));
    } catch {
      throw new NotATask();
    }
  }
}

/** Whether keys are those of a task without a pipeline as the store writes it: its own `schema` comes right after the fields there are. */
function isWrittenWithoutPipeline(keys: readonly string[], next: string): boolean {
  return next === "schema" && keys.join() === "task_id,status,created_at,updated_at";
}
