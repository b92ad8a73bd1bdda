import * as z from "zod";
import type { ConfigIssue } from "./errors.ts";
import { isRecord } from "./is-record.ts";
import { nearestName } from "./nearest-name.ts";
import { type ConfigDocument, documentPath } from "./parse-config.ts";

type ZodIssue = z.core.$ZodIssue;

/** What stands at a path, for a message: shortened, one line. */
function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text =
    typeof value === "object" && value !== null
      ? Array.isArray(value)
        ? "a list"
        : "a map"
      : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** A member of a map, an item of a list. */
function childOf(value: unknown, part: PropertyKey): unknown {
  if (Array.isArray(value)) return value[Number(part)];
  return isRecord(value) && Object.hasOwn(value, part) ? value[String(part)] : undefined;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const part of path) current = childOf(current, part);
  return current;
}

/** Keys that the schema knows at a path. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  let node: unknown = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  for (const part of path) {
    const named = typeof part === "string" ? childOf(childOf(node, "properties"), part) : undefined;
    node = named ?? childOf(node, typeof part === "number" ? "items" : "additionalProperties");
  }
  const properties = childOf(node, "properties");
  return isRecord(properties) ? Object.keys(properties) : [];
}

function issueOf(
  documentOf: ConfigDocument,
  path: readonly PropertyKey[],
  parts: { message: string; found?: string | undefined; allowed?: string | undefined; key?: string },
): ConfigIssue {
  const whole = parts.key === undefined ? path : [...path, parts.key];
  return {
    documentPath: documentPath(whole),
    ...documentOf.position(path, parts.key),
    found: parts.found,
    allowed: parts.allowed,
    message: parts.message,
  };
}

const list = (values: readonly unknown[]): string => values.map((value) => String(value)).join(", ");

/** What an issue of the schema means for the person who wrote the file. */
function translate(
  issue: ZodIssue,
  document: ConfigDocument,
  schema: z.ZodType,
  at: readonly PropertyKey[],
): ConfigIssue[] {
  const path = [...at, ...issue.path];
  const found = describeValue(valueAt(document.value, path));
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => {
      const nearest = nearestName(key, known);
      const hint = nearest === undefined ? `known here: ${list(known)}` : `did you mean "${nearest}"?`;
      return issueOf(document, path, {
        key,
        found: key,
        allowed: list(known),
        message: `unknown key "${key}"; ${hint}`,
      });
    });
  }
  if (issue.code === "invalid_type") {
    const missing = valueAt(document.value, path) === undefined;
    // A schema may say it better than the name of the type does.
    const own = /^must be (.*)$/s.exec(issue.message)?.[1];
    const expected = own ?? (issue.expected === "int" ? "integer" : issue.expected);
    const message = missing ? `is missing; it must be ${expected}` : `must be ${expected}, found ${found}`;
    return [issueOf(document, path, { found, allowed: expected, message })];
  }
  if (issue.code === "invalid_value") {
    const allowed = list(issue.values);
    const nearest = nearestName(found.replaceAll('"', ""), issue.values.map(String));
    const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
    return [
      issueOf(document, path, {
        found,
        allowed,
        message: `must be one of ${allowed}, found ${found}${hint}`,
      }),
    ];
  }
  if (issue.code === "invalid_key") {
    const reason = issue.issues[0]?.message ?? "is not a name that is allowed here";
    const key = String(path.at(-1) ?? "");
    return [issueOf(document, path, { found: key, allowed: reason, message: `"${key}" ${reason}` })];
  }
  const allowed = issue.message.replace(/^(Invalid input: )?/, "").replace(/^must /, "");
  return [issueOf(document, path, { found, allowed, message: `${issue.message}, found ${found}` })];
}

/** A misspelt key explains the missing one it stands for. */
const explains = (issue: ConfigIssue): number => (issue.message.startsWith("unknown key") ? 0 : 1);

/** Issues in order of their lines, misspelt keys of a line first; a key that is only misspelt is not said to be missing too. */
export function inOrder(issues: readonly ConfigIssue[]): readonly ConfigIssue[] {
  const meant = new Set(issues.map(meantPath));
  return issues
    .filter(({ message, documentPath: path }) => !message.startsWith("is missing") || !meant.has(path))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || explains(a) - explains(b));
}

/** The path that a misspelt key was meant to be. */
function meantPath({ documentPath: path, message, found = "" }: ConfigIssue): string | undefined {
  const name = /^unknown key .*; did you mean "(.*)"\?$/.exec(message)?.[1];
  return name === undefined || !path.endsWith(found)
    ? undefined
    : path.slice(0, path.length - found.length) + name;
}

/** Issues of a schema for what stands at a path (default: the whole), as issues of the document. */
export function schemaIssues(
  issues: readonly ZodIssue[],
  document: ConfigDocument,
  schema: z.ZodType,
  at: readonly PropertyKey[] = [],
): readonly ConfigIssue[] {
  return inOrder(issues.flatMap((issue) => translate(issue, document, schema, at)));
}

/** What stands at a path of a document; `undefined` when nothing does. */
export function documentValue(document: ConfigDocument, at: readonly PropertyKey[]): unknown {
  return valueAt(document.value, at);
}
