/** Events that settle a command. A workflow config may declare more. */
export const TERMINAL_EVENTS: readonly string[] = Object.freeze([
  "builder.completed",
  "review.completed",
  "spec.updated",
  "spec.no_changes_needed",
  "spec.changes_requested",
  "error",
]);
