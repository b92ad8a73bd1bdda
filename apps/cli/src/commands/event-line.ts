import type { StoredEvent } from "@holdfast/events";
import type { Context } from "../context.ts";
import { printableLine } from "../table.ts";

const MAX_VALUE = 60;

/** An event on one line, for a person: when, in which turn, what, whose, and its id. */
export function eventLine(context: Context, event: StoredEvent): string {
  const { timestamp, turn_number, event_type, agent_id, event_id } = event;
  const words = [
    printableLine(timestamp).padEnd(27),
    `turn ${String(turn_number).padEnd(5)}`,
    event_type.padEnd(9),
    ...(agent_id === undefined ? [] : [printableLine(agent_id)]),
    printableLine(whatOf(event)),
    context.style("dim", printableLine(event_id)),
  ];
  return words.join("  ");
}

/** What happened, in a few words. */
function whatOf({ event_type, details, description }: StoredEvent): string {
  const said = description === undefined ? "" : ` (${description})`;
  return `${kindOf(event_type, details)}${said}`;
}

function kindOf(type: StoredEvent["event_type"], details: StoredEvent["details"]): string {
  switch (type) {
    case "MILESTONE":
      return text(details["milestone_type"]);
    case "DECISION":
      return `${text(details["decision_type"])}${change(details)}`;
    case "ACTION":
      return `${text(details["action_type"])} ${short(details["action_payload"])}`;
    case "STATE":
      return `${text(details["variable_name"])}${change(details)}`;
    case "DETAIL":
      return `${text(details["calculation_type"])} ${short(details["intermediate_values"])}`;
    case "SYSTEM":
      return `${text(details["status"])}${details["error_type"] === undefined ? "" : ` ${text(details["error_type"])}`}`;
  }
}

function change(details: StoredEvent["details"]): string {
  const { old_value: before, new_value: after } = details;
  if (before === undefined) return after === undefined ? "" : `: ${short(after)}`;
  return `: ${short(before)} -> ${short(after)}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "?";
}

function short(value: unknown): string {
  const json = JSON.stringify(value) ?? "?";
  return json.length <= MAX_VALUE ? json : `${json.slice(0, MAX_VALUE - 1)}…`;
}
