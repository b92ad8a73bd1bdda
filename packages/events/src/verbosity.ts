import * as z from "zod";

/** The six kinds of events. */
export const EVENT_TYPES = ["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL", "SYSTEM"] as const;
/** One of the six kinds of events. */
export const eventTypeSchema = z.enum(EVENT_TYPES, `must be one of ${EVENT_TYPES.join(", ")}`);
/** One of the six kinds of events. */
export type EventType = z.output<typeof eventTypeSchema>;

/** The levels, from the fewest events to the most; each keeps the kinds up to and including its own. */
export const VERBOSITY_LEVELS = ["MILESTONE", "DECISION", "ACTION", "STATE", "DETAIL"] as const;
/** How much a stream keeps. */
export const verbosityLevelSchema = z.enum(VERBOSITY_LEVELS);
/** How much a stream keeps. */
export type VerbosityLevel = z.output<typeof verbosityLevelSchema>;

/**
 * Whether a stream of a level keeps events of a type: those up to and including the level, and SYSTEM always.
 *
 * @throws {RangeError} For a type or a level that there is not.
 */
export function shouldLog(type: EventType, level: VerbosityLevel): boolean {
  return keptTypes(level).has(checkedType(type));
}

/** The types that a level keeps. */
export function keptTypes(level: VerbosityLevel): ReadonlySet<EventType> {
  const place = VERBOSITY_LEVELS.indexOf(level);
  if (place < 0) {
    throw new RangeError(
      `A verbosity is one of ${VERBOSITY_LEVELS.join(", ")}, not ${JSON.stringify(level)}`,
    );
  }
  return new Set([...VERBOSITY_LEVELS.slice(0, place + 1), "SYSTEM"]);
}

function checkedType(type: EventType): EventType {
  if (EVENT_TYPES.includes(type)) return type;
  throw new RangeError(`An event type is one of ${EVENT_TYPES.join(", ")}, not ${JSON.stringify(type)}`);
}
