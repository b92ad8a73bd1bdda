import {
  type Document,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import { ConfigError, type ConfigIssue } from "./errors.ts";

/** A parsed YAML or JSON text that still knows where everything stood. */
export interface ConfigDocument {
  /** The file it came from, for errors. */
  readonly path: string;
  readonly value: unknown;
  /** Line and column of the value at a path, or of its nearest parent that is there. With `key`, of a key in it. */
  position(path: readonly PropertyKey[], key?: string): { line: number; column: number } | undefined;
}

/** A path for people: `agents.builder.cmd[0]`. */
export function documentPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(String(part)))
      text += text === "" ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text;
}

function syntaxError(path: string, issue: Omit<ConfigIssue, "documentPath">, cause?: unknown): ConfigError {
  const place = issue.line === undefined ? "" : `:${issue.line}:${issue.column ?? 1}`;
  return new ConfigError(
    "CONFIG_SYNTAX",
    `Cannot read the configuration "${path}${place}": ${issue.message}`,
    {
      path,
      issues: [{ documentPath: "", ...issue }],
      cause,
    },
  );
}

/** A number or text that would change its value on the way, and why. */
function lossy(value: unknown, source: string | undefined): string | undefined {
  if (typeof value === "bigint") return "is an integer too large to keep exactly; write it as text in quotes";
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "is not a number that JSON can hold; write it as text in quotes";
    if (Number.isInteger(value) && !Number.isSafeInteger(value) && /^[-+]?\d+$/.test(source ?? "")) {
      return "is an integer too large to keep exactly; write it as text in quotes";
    }
  }
  if (typeof value === "string" && !value.isWellFormed())
    return "holds half of a surrogate pair, which is not text";
  return undefined;
}

/**
 * Parses a YAML 1.2 or JSON text, keeping positions.
 *
 * @param text - The whole text.
 * @param path - The file it came from, for errors.
 *
 * @throws {ConfigError} `CONFIG_SYNTAX`, with the line; also for duplicate keys, several documents, and values that cannot be kept exactly.
 */
export function parseConfig(text: string, path: string): ConfigDocument {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      version: "1.2",
      logLevel: "error", // what it would warn of on the console is refused, or is as it was meant
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
    });
  } catch (error) {
    throw syntaxError(path, { message: "it is nested too deeply or cannot be parsed" }, error);
  }
  const at = (offset: number) => {
    const position = lines.linePos(offset);
    return { line: position.line, column: position.col };
  };
  const problem = document.errors[0];
  if (problem !== undefined)
    throw syntaxError(path, { ...at(problem.pos[0]), message: problem.message }, problem);
  if (document.contents === null) throw syntaxError(path, { message: "it is empty" });
  let value: unknown;
  try {
    visit(document, {
      Pair(_, pair) {
        if (keyText(pair) !== "__proto__") return;
        const message = 'the key "__proto__" is not allowed';
        throw syntaxError(path, { ...at(offsetOf(pair.key) ?? 0), found: "__proto__", message });
      },
      Scalar(_, node) {
        const what = lossy(node.value, node.source);
        if (what !== undefined) {
          throw syntaxError(path, {
            ...at(node.range?.[0] ?? 0),
            found: node.source,
            message: `"${(node.source ?? "").slice(0, 80)}" ${what}`,
          });
        }
      },
    });
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw syntaxError(path, { message }, error);
  }
  return {
    path,
    value,
    position(parts, key) {
      const offset = findOffset(document, parts, key);
      return offset === undefined ? undefined : at(offset);
    },
  };
}

const keyText = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : "");
const offsetOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined);

function findOffset(
  document: Document.Parsed,
  parts: readonly PropertyKey[],
  key?: string,
): number | undefined {
  let node: unknown = document.contents;
  let offset = offsetOf(node);
  for (const part of key === undefined ? parts : [...parts, key]) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && keyText(item) === String(part));
      if (pair === undefined) return offset;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      if (node === undefined) return offset;
      offset = offsetOf(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}
