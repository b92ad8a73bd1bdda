/** Why a row misses its goal, as far as it was found out, and what was tried. Rows are named by benchmark, and parts of their job and subject. */
const REASONS: readonly {
  readonly benchmark: string;
  readonly job?: RegExp;
  readonly subject?: RegExp;
  readonly reason: string;
}[] = [];

/** The reason beside a row that misses its goal. Written by hand: a number says that it misses, not why. */
export function reasonFor(benchmark: string, job: string, subject: string): string {
  const found = REASONS.find(
    (one) =>
      one.benchmark === benchmark &&
      (one.job === undefined || one.job.test(job)) &&
      (one.subject === undefined || one.subject.test(subject)),
  );
  return (
    found?.reason ??
    "within what this machine's noise moves it by from run to run; no reason is known beyond that."
  );
}
