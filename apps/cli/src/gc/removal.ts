/** Something that may go, and how. */
export interface Removal {
  readonly kind: "checkpoint" | "events" | "object";
  /** Path below the root of the store. */
  readonly path: string;
  readonly bytes: number;
  readonly reason: string;
  readonly run_id?: string;
  /** Removes it, durably. False: it was needed again meanwhile, or gone, and nothing was done. */
  readonly remove: () => Promise<boolean>;
}

/** Something that was left although it was asked for, and why. */
export interface Left {
  readonly place: string;
  readonly reason: string;
}

/** What may go, and what was left. */
export interface GcPlan {
  readonly removals: readonly Removal[];
  readonly left: readonly Left[];
}
