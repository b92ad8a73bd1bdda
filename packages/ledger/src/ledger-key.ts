/** Key of a run's ledger in a store. */
export function ledgerKey(runId: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(runId)) {
    throw new RangeError(
      `Not an id of a run: ${JSON.stringify(runId)}: letters, digits, dots, hyphens and underscores only`,
    );
  }
  return `runs/${runId}/ledger`;
}
