/**
 * What `verifyEvents()` can find.
 *
 * - `not_an_event`: a JSON object that is no event; no answer holds it.
 * - `event_schema`: an event whose kind wants more, or something else.
 * - `duplicate`: an id that several lines have; answers give each of them, causality the first.
 * - `order`: an event behind a later one; answers are in order all the same.
 * - `unknown_cause`: a cause that is not in the stream.
 * - `cause_cycle`: a chain of causes that comes back to where it began.
 * - `other_run`: an event that names another run.
 */
export type EventFindingKind =
  | "not_an_event"
  | "event_schema"
  | "duplicate"
  | "order"
  | "unknown_cause"
  | "cause_cycle"
  | "other_run";

/** Something that stands against a stream. */
export interface EventFinding {
  /** `error`: what a reader is told is wrong. `warning`: worth a look. */
  readonly severity: "error" | "warning";
  readonly kind: EventFindingKind;
  /** The file and line, as far as the store knows. */
  readonly place: string;
  readonly message: string;
  readonly meaning: string;
}

const KINDS: Readonly<Record<EventFindingKind, Pick<EventFinding, "severity" | "meaning">>> = {
  not_an_event: { severity: "error", meaning: "It is skipped in answers, and counted there as corrupt." },
  event_schema: {
    severity: "warning",
    meaning: "Answers hold it as it is; whoever reads its details may stumble.",
  },
  duplicate: {
    severity: "error",
    meaning: "An id is an event's own: what names it as a cause may mean either.",
  },
  order: {
    severity: "warning",
    meaning:
      "A clock went back, or several programs wrote. Answers are in order of time; a follower sees the order of the file.",
  },
  unknown_cause: {
    severity: "warning",
    meaning: "It was dropped, belongs to another run, or is still to come.",
  },
  cause_cycle: {
    severity: "error",
    meaning: "Events cannot cause themselves; a trace ends where it would come back.",
  },
  other_run: { severity: "warning", meaning: "Answers hold it as one of this run." },
};

/** Findings, of each kind so many; the others are counted. */
export class FindingList {
  readonly #max: number;
  readonly #place: string;
  readonly #found: EventFinding[] = [];
  readonly #counts = new Map<EventFindingKind, number>();

  constructor(max: number, place: string) {
    this.#max = max;
    this.#place = place;
  }

  add(kind: EventFindingKind, place: string, message: string): void {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    if (count <= this.#max) this.#found.push({ ...KINDS[kind], kind, place, message });
  }

  all(): readonly EventFinding[] {
    const rest = [...this.#counts]
      .filter(([, count]) => count > this.#max)
      .map(([kind, count]) => {
        const message = `${count - this.#max} more of this kind (${kind}) are not listed`;
        return { ...KINDS[kind], kind, place: this.#place, message };
      });
    return [...this.#found, ...rest];
  }
}
