/** The key of a run's stream. */
export function eventKey(runId: string): string {
  return `runs/${runId}/events`;
}

/** The run of a stream's key; `undefined` when it is no stream's. */
export function runOfKey(key: string): string | undefined {
  return /^runs\/([^/]+)\/events$/.exec(key)?.[1];
}
