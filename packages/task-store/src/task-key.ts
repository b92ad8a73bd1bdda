import { checksumBytes } from "@holdfast/checksum";

/** What the keys of all tasks start with. */
export const TASKS_PREFIX = "tasks/";

/** The project of a task whose id names none. */
export const DEFAULT_PROJECT = "default";

// The project is everything between the first and the last hyphen.
const TASK_ID = /^task-(.+)-[0-9a-f]{8}$/isu;

const MAX_BYTES = 180;
const DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])(?:\.|$)/iu;
const STORE_FILE = /\.(?:json|json\.zst|ndjson|jsonl|txt|corrupt)$/iu;
// oxlint-disable-next-line no-control-regex -- these are what is refused
const REFUSED = /[\u0000-\u001f\u007f-\u009f/\\:*?"<>|]/u;

/**
 * The project a task belongs to: what its id says, `task-{project}-{8 hex}`. An id of another form, or one whose project cannot be the name
 * of a folder on every system, belongs to `default`.
 */
export function projectOf(taskId: string): string {
  const project = typeof taskId === "string" ? TASK_ID.exec(taskId)?.[1] : undefined;
  return project !== undefined && isProjectName(project) ? project : DEFAULT_PROJECT;
}

/** Whether a project can have that name: that of a folder, which leads nowhere else. */
export function isProjectName(name: string): boolean {
  if (typeof name !== "string" || name === "" || name.startsWith(".") || /[. ]$/u.test(name)) return false;
  if (!name.isWellFormed() || Buffer.byteLength(name) > MAX_BYTES) return false;
  return !REFUSED.test(name) && !DEVICE.test(name) && !STORE_FILE.test(name);
}

/** Key of a task in a store. */
export function taskKey(taskId: string): string {
  return `${TASKS_PREFIX}${projectOf(taskId)}/${fileNameOf(taskId)}`;
}

/**
 * The id of the task that a key is of: `undefined` for a key that is of none. `long`: the id is longer than a name of a file, and stands in the
 * task alone.
 */
export function taskOfKey(key: string): { readonly id: string } | "long" | undefined {
  const [, project, name, ...more] = key.split("/");
  if (name === undefined || more.length > 0) return undefined;
  if (name.includes("%~")) return "long";
  let id: string;
  try {
    id = decodeURIComponent(name);
  } catch {
    return undefined;
  }
  return fileNameOf(id) === name && projectOf(id) === project ? { id } : undefined;
}

/** The name of a task's file: its id, with `%` and two hex digits for each byte of what a name cannot hold. */
function fileNameOf(taskId: string): string {
  let name = "";
  for (const character of taskId)
    name += REFUSED.test(character) || character === "%" ? escaped(character) : character;
  if (name.startsWith(".") || DEVICE.test(name)) name = escaped(name.slice(0, 1)) + name.slice(1);
  if (/[. ]$/u.test(name)) name = name.slice(0, -1) + escaped(name.slice(-1));
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  const digest = checksumBytes(taskId).slice("sha256:".length, "sha256:".length + 32);
  return `${cut(name, 100)}%~${digest}`;
}

function escaped(character: string): string {
  return [...Buffer.from(character)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}

/** As many characters as fit into that many bytes. */
function cut(text: string, maxBytes: number): string {
  let kept = "";
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    kept += character;
  }
  return kept;
}
