import type { Message } from "@holdfast/ledger";

/** What stands where a secret stood. */
export const REDACTED = "[redacted]";

/** Variable names whose values are secret unless the configuration says otherwise. */
const DEFAULT_REDACT_PATTERNS: readonly string[] = ["*_TOKEN", "*_KEY", "*_SECRET"];

const MIN_SECRET_LENGTH = 4;
const MIN_PART_LENGTH = 8;
// A variable such as USE_KEY=true is a switch: replacing the word everywhere would only damage what is kept.
const NOT_SECRET = new Set(["true", "false", "null", "none", "undefined"]);

/** Replaces the values of secrets. */
export interface Redactor {
  /** A text with every secret replaced. */
  text(text: string): string;
  /** A JSON value with every secret replaced, in keys and values at any depth; the same value when it holds none. */
  value<T>(value: T): T;
  /** A message with every secret replaced in what its author wrote freely; kinds, correlation, checksums and times stay. */
  message<T extends Message>(message: T): T;
  /** The redacted text, at most `maxLength` characters of it; never cut inside a secret. */
  clip(text: string, maxLength: number): string;
}

/** Which variables are secret, and where their values are. */
export interface RedactorOptions {
  /** Names with `*` for any characters, compared without regard to case. Default `*_TOKEN`, `*_KEY`, `*_SECRET`. */
  readonly patterns?: readonly string[];
  /** Environments to take values from: that of the process, and those of the agents. */
  readonly env:
    | Readonly<Record<string, string | undefined>>
    | readonly Readonly<Record<string, string | undefined>>[];
}

/**
 * Makes a redactor for the secrets that an environment holds now.
 *
 * A secret is a value of four characters or more of a variable whose name matches a pattern. It is found as it is, as it stands
 * inside JSON, URL encoded, and in base64 (also as a part of a longer text); the lines of a secret of several lines are found one
 * by one. The words true, false, null, none and undefined are not secrets. A secret that an author disguises otherwise is not found.
 */
export function createRedactor(options: RedactorOptions): Redactor {
  const needles = secretForms(secretValues(options));
  if (needles.size === 0) return NOTHING_SECRET;
  const longestFirst = [...needles].toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const pattern = new RegExp(longestFirst.map(escapeForRegExp).join("|"), "g");
  const text = (input: string): string => input.replace(pattern, REDACTED);
  const value = <T>(input: T): T => redactValue(input, text) as T;
  return {
    text,
    value,
    message: (message) => redactByShape(message, MESSAGE_SHAPES[message.kind], value) as typeof message,
    clip: (input, maxLength) => clip(input, maxLength, pattern),
  };
}

const NOTHING_SECRET: Redactor = {
  text: (text) => text,
  value: (value) => value,
  message: (message) => message,
  clip: (text, maxLength) => (text.length > maxLength ? text.slice(0, maxLength) : text),
};

function secretValues(options: RedactorOptions): Set<string> {
  const patterns = (options.patterns ?? DEFAULT_REDACT_PATTERNS).map(
    (pattern) => new RegExp(`^${pattern.split("*").map(escapeForRegExp).join(".*")}$`, "i"),
  );
  const environments = Array.isArray(options.env) ? options.env : [options.env];
  const values = new Set<string>();
  for (const environment of environments) {
    for (const [name, value] of Object.entries(environment as Record<string, string | undefined>)) {
      if (value === undefined || !patterns.some((pattern) => pattern.test(name))) continue;
      for (const secret of [value, value.trim()]) {
        if (secret.length >= MIN_SECRET_LENGTH && !NOT_SECRET.has(secret.toLowerCase())) values.add(secret);
      }
      const lines = value.split(/\r?\n/);
      if (lines.length > 1)
        for (const line of lines) if (line.trim().length >= MIN_PART_LENGTH) values.add(line.trim());
    }
  }
  return values;
}

function secretForms(values: ReadonlySet<string>): Set<string> {
  const forms = new Set<string>();
  for (const value of values) {
    forms.add(value);
    const json = JSON.stringify(value).slice(1, -1);
    forms.add(json);
    forms.add(json.replaceAll("/", "\\/"));
    const wellFormed = value.toWellFormed();
    forms.add(encodeURIComponent(wellFormed));
    forms.add(encodeURIComponent(wellFormed).replaceAll("%20", "+"));
    for (const form of base64Forms(wellFormed)) forms.add(form);
  }
  return forms;
}

/** The characters of base64 that depend on the value alone, for each of its three places in a longer text. */
function* base64Forms(value: string): Generator<string> {
  const bytes = Buffer.from(value);
  for (let before = 0; before < 3; before += 1) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64url");
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((before + bytes.length) * 8) / 6);
    const own = encoded.slice(first, last);
    if (own.length < MIN_PART_LENGTH) continue;
    yield own;
    yield own.replaceAll("-", "+").replaceAll("_", "/");
  }
}

function escapeForRegExp(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function clip(input: string, maxLength: number, pattern: RegExp): string {
  let output = "";
  let position = 0;
  for (const match of input.matchAll(pattern)) {
    output += input.slice(position, match.index);
    if (output.length >= maxLength) return output.slice(0, maxLength);
    output += REDACTED;
    position = match.index + match[0].length;
  }
  output += input.slice(position);
  return output.slice(0, maxLength);
}

function redactValue(input: unknown, text: (input: string) => string): unknown {
  if (typeof input === "string") return text(input);
  if (typeof input === "number") {
    const digits = String(input);
    return text(digits) === REDACTED ? REDACTED : input;
  }
  if (Array.isArray(input)) {
    let changed = false;
    const items = input.map((item: unknown) => {
      const redacted = redactValue(item, text);
      changed ||= redacted !== item;
      return redacted;
    });
    return changed ? items : input;
  }
  if (typeof input !== "object" || input === null) return input;
  let changed = false;
  const entries = Object.entries(input).map(([key, item]: [string, unknown]): [string, unknown] => {
    const entry: [string, unknown] = [text(key), redactValue(item, text)];
    changed ||= entry[0] !== key || entry[1] !== item;
    return entry;
  });
  // fromEntries defines its properties, so a key such as __proto__ stays a key.
  return changed ? Object.fromEntries(entries) : input;
}

/**
 * How the fields of a record are treated: `keep` is written by us or checked by a schema, `word` names something of the protocol,
 * anything else is free text. Without this a secret such as "completed" would rename events and break the ledger.
 */
type Shape = { readonly [field: string]: "keep" | "word" | "free" | Shape };

const AGENT: Shape = { agent_type: "word", agent_id: "free" };
const ARTIFACT: Shape = { path: "free", sha256: "keep", size: "keep" };
const MESSAGE_SHAPES: Readonly<Record<Message["kind"], Shape>> = {
  command: {
    kind: "keep",
    message_id: "free",
    correlation_id: "keep",
    task_id: "keep",
    idempotency_key: "keep",
    to: AGENT,
    action: "word",
    inputs: "free",
    expected_outputs: { path: "free", description: "free", required: "keep" },
    version: "keep",
    deadline: "keep",
    retry: "keep",
    priority: "keep",
  },
  event: {
    kind: "keep",
    message_id: "free",
    correlation_id: "keep",
    task_id: "keep",
    from: AGENT,
    event: "word",
    status: "word",
    payload: "free",
    artifacts: ARTIFACT,
    observed_version: { snapshot_id: "keep", specs_hash: "free", code_hash: "free" },
    occurred_at: "keep",
  },
  heartbeat: {
    kind: "keep",
    agent: AGENT,
    seq: "keep",
    status: "keep",
    pid: "keep",
    ppid: "keep",
    uptime_s: "keep",
    last_activity_at: "keep",
    stats: "free",
    task_id: "free",
  },
  log: { kind: "keep", level: "keep", message: "free", fields: "free", timestamp: "keep" },
};
const WORD = /^[a-z]+([._-][a-z]+)*$/;

function redactByShape(input: unknown, shape: Shape, value: (input: unknown) => unknown): unknown {
  if (Array.isArray(input)) {
    const items = input.map((item: unknown) => redactByShape(item, shape, value));
    return items.some((item, index) => item !== input[index]) ? items : input;
  }
  if (typeof input !== "object" || input === null) return value(input);
  let changed = false;
  const entries = Object.entries(input).map(([key, item]: [string, unknown]): [string, unknown] => {
    const rule = Object.hasOwn(shape, key) ? shape[key] : undefined;
    let entry: [string, unknown];
    if (rule === undefined) entry = [value(key) as string, value(item)];
    else if (rule === "keep" || (rule === "word" && typeof item === "string" && WORD.test(item)))
      entry = [key, item];
    else if (typeof rule === "object") entry = [key, redactByShape(item, rule, value)];
    else entry = [key, value(item)];
    changed ||= entry[0] !== key || entry[1] !== item;
    return entry;
  });
  return changed ? Object.fromEntries(entries) : input;
}
