import { isRecord } from "./json.ts";
import type { Filter, Marks } from "./store.ts";
import { parseTimestamp } from "./timestamp.ts";

/**
 * What a line of a log can be found by, from the fields of its JSON: `timestamp` or `occurred_at`; `event_type`, `event` or
 * `kind`; `agent_id`, `from.agent_id` or `agent.agent_id`; `turn_number`; `event_id` or `message_id`; `caused_by`.
 * A text that is no JSON object has no marks; a byte order mark before it does no harm.
 */
export function marksOf(text: string): Marks {
  return objectMarks(text) ?? {};
}

/** As {@link marksOf}; `undefined` for a text that is no JSON object. */
export function objectMarks(text: string): Marks | undefined {
  const line = objectOf(text);
  if (line === undefined) return undefined;
  const at = momentOf(line["timestamp"]) ?? momentOf(line["occurred_at"]);
  const type = typeOf(line);
  const agent = agentOf(line);
  const turn = turnOf(line);
  const id = idOf(line);
  const causes = causesOf(line);
  return {
    ...(at !== undefined && { at }),
    ...(type !== undefined && { type }),
    ...(agent !== undefined && { agent }),
    ...(turn !== undefined && { turn }),
    ...(id !== undefined && { id }),
    ...(causes !== undefined && { causes }),
  };
}

/** The type of a line that was parsed. An event without an id is none, and has none. */
export function typeOf(line: Record<string, unknown>): string | undefined {
  const type = textOf(line["event_type"]);
  if (type !== undefined)
    return line["event_id"] === "" || textOf(line["event_id"]) === undefined ? undefined : type;
  return textOf(line["event"]) ?? textOf(line["kind"]);
}

/** The agent of a line that was parsed. */
export function agentOf(line: Record<string, unknown>): string | undefined {
  return (
    textOf(line["agent_id"]) ??
    textOf(field(line["from"], "agent_id")) ??
    textOf(field(line["agent"], "agent_id"))
  );
}

/** The turn of a line that was parsed: a whole number. */
export function turnOf(line: Record<string, unknown>): number | undefined {
  const turn = line["turn_number"];
  return typeof turn === "number" && Number.isSafeInteger(turn) ? turn : undefined;
}

/** The id of a line that was parsed. */
export function idOf(line: Record<string, unknown>): string | undefined {
  return textOf(line["event_id"]) ?? textOf(line["message_id"]);
}

/** What caused a line that was parsed; `undefined` for nothing. */
export function causesOf(line: Record<string, unknown>): readonly string[] | undefined {
  const causes = line["caused_by"];
  if (!Array.isArray(causes) || causes.length === 0) return undefined;
  const texts = causes.filter((cause): cause is string => typeof cause === "string");
  return texts.length === 0 ? undefined : texts;
}

/** Whether a line with these marks is one the filter asks for. */
export function matches(marks: Marks, filter: Filter): boolean {
  const { from, to, types, agents, turnStart, turnEnd, ids, causes } = filter;
  if (from !== undefined && (marks.at === undefined || marks.at < from)) return false;
  if (to !== undefined && (marks.at === undefined || marks.at > to)) return false;
  if (turnStart !== undefined && (marks.turn === undefined || marks.turn < turnStart)) return false;
  if (turnEnd !== undefined && (marks.turn === undefined || marks.turn > turnEnd)) return false;
  if (types !== undefined && (marks.type === undefined || !types.includes(marks.type))) return false;
  if (agents !== undefined && (marks.agent === undefined || !agents.includes(marks.agent))) return false;
  if (ids !== undefined && (marks.id === undefined || !ids.includes(marks.id))) return false;
  return causes === undefined || (marks.causes?.some((cause) => causes.includes(cause)) ?? false);
}

/** A text without the byte order mark that some programs write first. */
export function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** A line as an object; `undefined` when it is none. A byte order mark before it does no harm. */
export function objectOf(marked: string): Record<string, unknown> | undefined {
  const text = withoutMark(marked);
  // Most lines that are no objects are plain text: not worth an exception each.
  if (text.charCodeAt(0) !== 0x7b && !text.trimStart().startsWith("{")) return undefined;
  try {
    const line: unknown = JSON.parse(text);
    return isRecord(line) ? line : undefined;
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function momentOf(value: unknown): bigint | undefined {
  if (typeof value !== "string") return undefined;
  try {
    return parseTimestamp(value);
  } catch {
    return undefined;
  }
}
