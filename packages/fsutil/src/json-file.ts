import { resolve } from "node:path";
import { type WriteFileAtomicOptions, writeFileAtomic } from "./atomic-write.ts";
import { FileSchemaError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { parseJsonStrict } from "./json-text.ts";
import { readFileLimited } from "./read-file.ts";

/** One thing a schema finds wrong. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What checks a document: any schema with zod's `safeParse`. */
export interface DocumentSchema<T> {
  safeParse(
    value: unknown,
  ):
    | { readonly success: true; readonly data: T }
    | { readonly success: false; readonly error: { readonly issues: readonly SchemaIssue[] } };
}

/** Options of {@link readJson}. */
export interface ReadJsonOptions {
  /** Most bytes the file may have. Default 256 MiB. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  /** What to work on. Default: the disk. */
  readonly fileSystem?: FileSystem;
}

/** Options of {@link writeJsonAtomic}. */
export interface WriteJsonOptions extends WriteFileAtomicOptions {
  /** Checked before anything is written; what it returns (defaults filled in) is what is written. */
  readonly schema?: DocumentSchema<unknown>;
  /** Spaces a level. Default 2; 0 puts all on one line. */
  readonly indent?: number;
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const VERSIONED = /^(.+\/)v(\d+)$/u;

/** `artifacts[2].sha256` for `["artifacts", 2, "sha256"]`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      const text = String(part);
      if (!/^[A-Za-z_$][\w$-]*$/u.test(text)) return `[${JSON.stringify(text)}]`;
      return index === 0 ? text : `.${text}`;
    })
    .join("");
}

/** The version this program knows, when the document names a newer one of the same kind in its `schema` field. */
function knownVersion(
  value: unknown,
  issues: readonly SchemaIssue[],
): { found: string; known: string } | undefined {
  if (typeof value !== "object" || value === null || !("schema" in value) || typeof value.schema !== "string")
    return undefined;
  const found = VERSIONED.exec(value.schema);
  const issue = issues.find(({ path }) => path.length === 1 && path[0] === "schema");
  if (found === null || issue === undefined) return undefined;
  // zod's issue lists what was allowed
  const allowed = "values" in issue && Array.isArray(issue.values) ? (issue.values as unknown[]) : [];
  for (const candidate of allowed) {
    const known = typeof candidate === "string" ? VERSIONED.exec(candidate) : null;
    if (known !== null && known[1] === found[1] && Number(known[2]) < Number(found[2])) {
      return { found: value.schema, known: String(candidate) };
    }
  }
  return undefined;
}

function check<T>(value: unknown, schema: DocumentSchema<T>, path: string, action: "read" | "write"): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const newer = knownVersion(value, issues);
  if (newer !== undefined) {
    throw new FileSchemaError(
      "FILE_NEWER_VERSION",
      `Cannot ${action} "${path}": it is "${newer.found}", and this program knows up to "${newer.known}"; use a newer version`,
      { path, documentPath: "schema", cause: result.error },
    );
  }
  const first = issues[0];
  const documentPath = formatPath(first?.path ?? []);
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  const where = documentPath === "" ? "the document" : documentPath;
  throw new FileSchemaError(
    "FILE_SCHEMA",
    `Cannot ${action} "${path}": ${where}: ${first?.message ?? "does not match the schema"}${more}`,
    { path, documentPath, cause: result.error },
  );
}

/**
 * Reads a JSON document and checks it. Each way to fail has its own code.
 *
 * @param path - The file.
 * @param schema - Any schema with zod's `safeParse`.
 * @param options - `maxBytes`: default 256 MiB. `signal`.
 * @returns What the schema makes of it.
 * @throws {FileError} `FILE_MISSING`, `FILE_UNREADABLE`, `FILE_TOO_LARGE`; {@link FileNotJsonError} (line, column);
 *   {@link FileSchemaError} `FILE_SCHEMA` (path in the document) or `FILE_NEWER_VERSION` (its `schema` field names a
 *   later version of what the schema allows).
 */
export async function readJson<T>(
  path: string,
  schema: DocumentSchema<T>,
  options: ReadJsonOptions = {},
): Promise<T> {
  const { maxBytes = DEFAULT_MAX_BYTES, ...rest } = options;
  const bytes = await readFileLimited(path, maxBytes, rest);
  return check(parseJsonStrict(bytes, { path: resolve(path) }), schema, resolve(path), "read");
}

const NOT_JSON = new Set(["undefined", "function", "symbol", "bigint"]);

function isLossy(value: unknown): boolean {
  return typeof value === "number" ? !Number.isFinite(value) : NOT_JSON.has(typeof value);
}

/** What is inside a value, as JSON.stringify sees it: fields that are `undefined` are left out, a `toJSON` speaks for itself. */
function childrenOf(value: unknown): readonly (readonly [PropertyKey, unknown])[] {
  if (typeof value !== "object" || value === null) return [];
  if ("toJSON" in value && typeof value.toJSON === "function") return [];
  if (Array.isArray(value)) return [...(value as unknown[]).entries()];
  return Object.entries(value).filter(([, child]) => child !== undefined);
}

/** Where a value holds something that JSON would change without a word: NaN, an infinity, `undefined` in a list, a function. */
function findLossy(
  root: unknown,
): { readonly path: readonly PropertyKey[]; readonly value: unknown } | undefined {
  const open: { readonly path: readonly PropertyKey[]; readonly value: unknown }[] = [
    { path: [], value: root },
  ];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (isLossy(item.value)) return item;
    for (const [key, value] of childrenOf(item.value)) open.push({ path: [...item.path, key], value });
  }
  return undefined;
}

/** Whether {@link findLossy} finds something, without its cost of keeping paths. */
function hasLossy(root: unknown): boolean {
  if (isLossy(root)) return true;
  if (typeof root !== "object" || root === null) return false;
  const open: object[] = [root];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if ("toJSON" in item && typeof item.toJSON === "function") continue;
    const isList = Array.isArray(item);
    const children: readonly unknown[] = Array.isArray(item) ? item : Object.values(item);
    for (const child of children) {
      if (typeof child === "string" || typeof child === "boolean") continue;
      if (typeof child === "object") {
        if (child !== null) open.push(child);
      } else if (isLossy(child) && (isList || child !== undefined)) return true;
    }
  }
  return false;
}

/**
 * Replaces a JSON document atomically: two spaces a level and a last newline, UTF-8. Durable as {@link writeFileAtomic} is.
 *
 * @param path - The file; missing parents are made.
 * @param value - A JSON value; fields that are `undefined` are left out.
 * @param options - `schema`: checked before anything is written. `indent`: default 2. And those of `writeFileAtomic`.
 * @throws {FileError} `FILE_SCHEMA`, and those of `writeFileAtomic`. `TypeError` for what JSON cannot hold: NaN, an
 *   infinity, `undefined` in a list, a function, a bigint, a cycle.
 */
export async function writeJsonAtomic(
  path: string,
  value: unknown,
  options: WriteJsonOptions = {},
): Promise<void> {
  const { schema, indent = 2, ...rest } = options;
  const document: unknown = schema === undefined ? value : check(value, schema, resolve(path), "write");
  // JSON.stringify finds cycles; the walk after it can then rely on an end.
  const text = JSON.stringify(document, undefined, indent);
  if (hasLossy(document)) {
    const lossy = findLossy(document);
    const where = lossy === undefined || lossy.path.length === 0 ? "The value" : formatPath(lossy.path);
    throw new TypeError(`${where} is ${String(lossy?.value)}: JSON cannot hold it`);
  }
  await writeFileAtomic(path, `${text}\n`, rest);
}
