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
      "a checkpoint names its state by the checksum of the canonical JSON, and keeps the names in the order they came in; where that is not the canonical order two texts are made and hashed, and the limit makes one. Of 320 ms of processor time at 20 MB (the limit: 140) 230 are two times JSON.stringify, 50 the checks, 40 the hashes. Putting the names in order in the bytes of the first text, instead of making the second, took as long at 1 MB, a quarter less at 20 MB, and twice as long until it was compiled: not kept. Three times as fast as the saver cannot be had by anybody: the limit itself is not (the saver writes the same bytes once and syncs them once). States of simulations have their names in canonical order.",
  },
  {
    benchmark: "checkpoint",
    job: /^save/u,
    reason:
      "three times as fast as the saver cannot be had by anybody: the saver writes the same bytes once and syncs them once, and the limit itself is 1.3 to 1.8 times as fast.",
  },
  {
    benchmark: "checkpoint",
    job: /^memory to save/u,
    reason:
      "what is kept is one text of the state. V8 gives its young generation 32 MiB or 64, as it finds while the state is made, whatever a save needs: the same save of 20 MB grows by 67 MB or 110 from run to run, by 32 with --max-semi-space-size=8, and one of 100 MB by 2.5 times the state.",
  },
  {
    benchmark: "snapshot",
    job: /^cold/u,
    reason:
      "the limit is given the paths; a snapshot finds them, asks the ignore rules about each, puts them in order, checks that nothing was swapped for a symlink, and makes the id. That is a fifth of the processor time (440 ms for 355, so 0.81 of the limit is what two cores can reach); the rest is the same system calls and hashes. What is left to take away are folders that are opened twice, by the walk and by the thread that hashes.",
  },
  {
    benchmark: "snapshot",
    job: /^unchanged/u,
    reason:
      "reading the cache of 20,000 files is the difference to the snapshot that has it in memory: 4 ms of the processor for 2.3 MB (8 when it was taken as JSON), a tenth of the walk, and a collection every few snapshots.",
  },
  {
    benchmark: "append",
    job: /64 waiting/u,
    reason:
      "an append takes 2 microseconds of the processor more than the limit's where each batch waits for the disk and finds the caches cold (0.3 where it does not: then it is at 0.87 of the limit): the check that JSON keeps the record, what is held for each caller and told to it, and for each batch a look at the file's size (13 microseconds), because another program may have written to it. Fewer turns for a batch took a tenth away; joining the lines to one text first made it slower. Alone on the machine it came to 0.88 and 0.90 of the limit, with a p99 of 1.3 to 1.7 times the limit's.",
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
      "of 70 ms of processor time above bare Node 18 start the command (a hello of the same argument parser takes 21), 14 set up the schemas of the records and their library, 12 read and check five runs and two checkpoints, most of it because everything is called for the first time, 10 load 0.8 MB of code from the compile cache, 6 load node:crypto, and 6 collect. It is within the goal where bare Node starts in 27 ms (62 to 68 ms above), and not where the same start takes 50. One file instead of fourteen, minified code, checks that are not compiled and an end by process.exit() were tried: 3 ms at most, each.",
  },
  {
    benchmark: "turns",
    reason:
      "a turn hands its events to the system, replaces `last` by the two syncs that one durable replace takes, and, now and then, writes the state of the run. Beside the syncs it makes 45 system calls and takes 0.4 ms of the processor when its code is in the caches; after each wait for the disk it is not, and takes up to three times that. Where a sync takes less than half a millisecond that is as much as the disk takes: of a turn, a third is events and engine, the rest the save. Where a sync takes longer the ratio is below 2.",
  },
  {
    benchmark: "atomic-write",
    reason:
      "what is added to the limit (a name of its own, one look at the folder, and for writeFileAtomic a turn of the event loop) takes 10 to 15 microseconds of the processor, and ten times that when its code was pushed out of the caches by the wait for the disk before. Measured with syncs of 0.3 ms: 1.07 to 1.16 by blocking calls, 1.20 by promises.",
  },
  {
    benchmark: "replay",
    subject: /readLog/u,
    reason:
      "beside JSON.parse, which is nearly all of it as it is of the limit, each line is checked for what JSON.parse would silently change (6 % of the time), and gets its position, line and offset.",
  },
  {
    benchmark: "query",
    job: /^build/u,
    reason:
      "the limit is given its columns; the index finds them in the lines of the files. They are scanned in their bytes, which takes 0.6 of the time of JSON.parse, and was measured at 0.76 (10 M events) and 0.82 of the limit; the rest is the file's bytes, the hashes of ids, and what SQLite keeps.",
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
