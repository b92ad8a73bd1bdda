/** Why a row misses its goal, as far as it was found out, and what was tried. Rows are named by benchmark, and parts of their job and subject. */
const REASONS: readonly {
  readonly benchmark: string;
  readonly job?: RegExp;
  readonly subject?: RegExp;
  readonly reason: string;
}[] = [
  {
    benchmark: "checkpoint",
    job: /^save .* as written/u,
    reason:
      "a checkpoint names its state by the checksum of the canonical JSON, and keeps the names in the order they came in; where that is not the canonical order two texts are made and hashed, and the limit makes one. Making the text is most of the work: of 20 ms of processor time at 1 MB, 15 are two times JSON.stringify, 2 the checks, 2 the hashes. Three times as fast as the saver cannot be had by anybody: the limit itself is not (the saver writes the same bytes once and syncs them once).",
  },
  {
    benchmark: "checkpoint",
    job: /^save/u,
    reason:
      "three times as fast as the saver cannot be had by anybody: the saver writes the same bytes once and syncs them once, and the limit itself is 1.3 to 1.8 times as fast.",
  },
  {
    benchmark: "snapshot",
    job: /^cold/u,
    reason:
      "the limit is given the paths; a snapshot finds them, asks the ignore rules about each, puts them in order, checks that nothing was swapped for a symlink, and makes the id. That is a fifth of the processor time (490 ms for 390); the rest is the same system calls and hashes.",
  },
  {
    benchmark: "snapshot",
    job: /^unchanged/u,
    reason: "reading the cache of 20,000 files is the difference to the snapshot that has it in memory.",
  },
  {
    benchmark: "append",
    job: /64 waiting/u,
    reason:
      "the p99 is within its goal or not from run to run; what is added to a batch (the promise and the turn of each record) shows where the disk syncs in less than a millisecond.",
  },
  {
    benchmark: "append",
    job: /1024 waiting/u,
    reason:
      "with as many callers the time is theirs: making the text, the promise and its turn for each record, which SQLite's driver pays as well. Where the disk syncs in less than that, the driver has only its insert to add.",
  },
  {
    benchmark: "startup",
    subject: /status/u,
    reason:
      "it loads the store, the schemas of its records and what tells of both kinds of runs, 0.8 MB of code: from the compile cache, but a quarter of the time is still its loading.",
  },
  {
    benchmark: "startup",
    subject: /--help/u,
    reason:
      "a hello of the same argument parser is 36 ms above bare Node; the table of all commands and options is the rest.",
  },
  {
    benchmark: "turns",
    reason:
      "a turn hands its events to the system, replaces `last` and, now and then, the state of the run. Where a sync takes less than a millisecond the engine's turn, its checks, the canonical text and its checksum weigh more than the disk; where it takes some, the ratio comes to 2.5.",
  },
  {
    benchmark: "atomic-write",
    reason:
      "where a sync takes less than a millisecond, what is added to it (a name of its own, a look at what stands in the place, and turns of the event loop where the call does not block) is a third of the whole and more.",
  },
  {
    benchmark: "query",
    job: /^build/u,
    reason:
      "the limit is given its columns; the index is made from the lines of the files, and a third of its time is JSON.parse. Parsing on a second core is what is left to try.",
  },
];

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
