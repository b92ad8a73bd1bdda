import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EventInput, type EventStream, openEventStream } from "@holdfast/events";
import { fileStore, memoryStore, type Store } from "@holdfast/storage";
import pino from "pino";
import { createStream } from "rotating-file-stream";
import sonicBoomModule from "sonic-boom";
import winston from "winston";
import {
  type Benchmark,
  type BenchmarkRow,
  type Candidate,
  compareInTurn,
  environment,
  median,
  pairedRatio,
} from "./harness.ts";

const BURST = 5_000;
const RUN = "EconomicTest_2agents_20260102_030405_01";
const OURS = "EventStream.emit()";

/** An event as an engine emits it: about 300 bytes once it has an id, a time and its run. */
function eventOf(turn: number): EventInput {
  return {
    event_type: "STATE",
    turn_number: turn,
    agent_id: "Nation_A",
    caused_by: ["01JF0000000000000000000000"],
    details: { variable_name: "economic_strength", old_value: 1000.5, new_value: 1050.525, scope: "agent" },
  };
}

/** The same as it stands in the file, made before anything is timed. */
function wholeEventOf(turn: number): object {
  return {
    event_id: "01JF0000000000000000000001",
    timestamp: "2026-01-02T03:04:05.123456Z",
    simulation_id: RUN,
    ...eventOf(turn),
  };
}

/** A store that takes whatever it is given: what is left is the time of whoever emits. */
function bottomlessStore(): Store {
  const store = memoryStore();
  store.logs.append = async () => ({ position: 1, duplicate: false });
  store.logs.sync = async () => {};
  return store;
}

/** The caller's time: bursts with pauses in which the queue is written. Both keep their texts until the burst is over. */
async function callersTime(rounds: number, bursts: number): Promise<BenchmarkRow[]> {
  const events = Array.from({ length: BURST }, (_, turn) => eventOf(turn));
  const whole = events.map((_, turn) => wholeEventOf(turn));
  const stream = await openEventStream(bottomlessStore(), RUN);
  const times = { limit: [] as number[], ours: [] as number[] };
  const kept: string[] = [];
  const stringify = (): void => {
    for (const event of whole) kept.push(JSON.stringify(event));
  };
  const emit = (): void => {
    for (const event of events) stream.emit(event);
  };
  for (let round = -3; round < rounds; round += 1) {
    let [limit, ours] = [0, 0];
    for (let burst = 0; burst < bursts; burst += 1) {
      const order = (round + burst) % 2 === 0 ? ([stringify, emit] as const) : ([emit, stringify] as const);
      for (const work of order) {
        const start = performance.now();
        work();
        const time = performance.now() - start;
        if (work === emit) ours += time;
        else limit += time;
        kept.length = 0;
        await stream.drain();
      }
    }
    if (round < 0) continue;
    times.limit.push((limit * 1_000) / (BURST * bursts));
    times.ours.push((ours * 1_000) / (BURST * bursts));
  }
  const { emitted, kept: written, dropped } = stream.stats;
  if (emitted !== written || dropped > 0) throw new Error(`${dropped} of ${emitted} events were dropped`);
  await stream.close();
  const ratio = median(times.ours.map((time, round) => time / (times.limit[round] ?? Number.NaN)));
  const job = "emit an event of 300 B, the caller's time";
  const bytes = JSON.stringify(whole[0]).length;
  return [
    {
      job,
      subject: "JSON.stringify",
      kind: "limit",
      median: median(times.limit),
      unit: "us",
      note: `${bytes} B; no check, id or time`,
    },
    {
      job,
      subject: OURS,
      kind: "ours",
      median: median(times.ours),
      unit: "us",
      ratio,
      goal: "at most 1.6 times the limit",
      met: ratio <= 1.6,
      note: "checked, with id and time",
    },
  ];
}

/** Somebody who writes events to a file as fast as they can be handed over. */
interface Writer {
  write(turn: number): unknown;
  /** Resolves when there is room. */
  ready(): Promise<unknown>;
  /** Resolves when all of it is in the file. */
  end(): Promise<unknown>;
}

async function holdfast(folder: string): Promise<Writer> {
  const store = fileStore(folder);
  const stream: EventStream = await openEventStream(store, RUN, { onFull: "wait" });
  return {
    write: (turn) => stream.emit(eventOf(turn)),
    ready: () => stream.ready(),
    async end() {
      await stream.drain();
      await store.close();
    },
  };
}

const record = (turn: number): object => ({
  timestamp: new Date().toISOString(),
  simulation_id: RUN,
  ...eventOf(turn),
});

/** Waits for whatever a stream of Node says when it has room. */
function drained(stream: { once(event: "drain", done: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => stream.once("drain", () => resolve()));
}

async function pinoWriter(folder: string): Promise<Writer> {
  const destination = pino.destination({ dest: join(folder, "events.jsonl"), sync: false, minLength: 4096 });
  await new Promise((resolve) => destination.once("ready", resolve));
  const logger = pino({ base: { simulation_id: RUN } }, destination);
  return {
    write: (turn) => logger.info(eventOf(turn)),
    ready: () => Promise.resolve(), // it keeps whatever it is given in memory
    end: () => ended(destination),
  };
}

async function sonicBoom(folder: string): Promise<Writer> {
  const stream = new sonicBoomModule.SonicBoom({
    dest: join(folder, "events.jsonl"),
    sync: false,
    minLength: 4096,
  });
  await new Promise((resolve) => stream.once("ready", resolve));
  return {
    write: (turn) => stream.write(`${JSON.stringify(record(turn))}\n`),
    ready: () => Promise.resolve(), // it keeps whatever it is given in memory
    end: () => ended(stream),
  };
}

function ended(stream: { once(event: "close", done: () => void): unknown; end(): unknown }): Promise<void> {
  return new Promise((resolve) => {
    stream.once("close", () => resolve());
    stream.end();
  });
}

async function winstonWriter(folder: string): Promise<Writer> {
  const transport = new winston.transports.File({ filename: join(folder, "events.jsonl") });
  const { combine, timestamp, json } = winston.format;
  const logger = winston.createLogger({ format: combine(timestamp(), json()), transports: [transport] });
  let isFull = false;
  return {
    write: (turn) => {
      isFull = !logger.write({ level: "info", message: "", simulation_id: RUN, ...eventOf(turn) });
    },
    ready: () => (isFull ? drained(logger) : Promise.resolve()),
    end: () =>
      new Promise<void>((resolve) => {
        transport.once("finish", () => resolve());
        logger.end();
      }),
  };
}

async function rotatingFileStream(folder: string): Promise<Writer> {
  const stream = createStream("events.jsonl", { path: folder, size: "500M" });
  let isFull = false;
  return {
    write: (turn) => {
      isFull = !stream.write(`${JSON.stringify(record(turn))}\n`);
    },
    ready: () => (isFull ? drained(stream) : Promise.resolve()),
    end: () => new Promise<void>((resolve) => stream.end(() => resolve())),
  };
}

const WRITERS: readonly {
  readonly subject: string;
  readonly kind: Candidate["kind"];
  readonly open: (folder: string) => Promise<Writer>;
  /** Does this part of the events: the slow ones would take all day. */
  readonly share: number;
  readonly note: string;
}[] = [
  {
    subject: OURS,
    kind: "ours",
    open: holdfast,
    share: 1,
    note: "checked, ULID, microseconds; nothing dropped",
  },
  {
    subject: "pino",
    kind: "peer",
    open: pinoWriter,
    share: 1,
    note: "no check, no id; sync: false; never waits",
  },
  {
    subject: "sonic-boom",
    kind: "peer",
    open: sonicBoom,
    share: 1,
    note: "JSON.stringify, no check, no id; never waits",
  },
  {
    subject: "rotating-file-stream",
    kind: "peer",
    open: rotatingFileStream,
    share: 1 / 4,
    note: "JSON.stringify",
  },
  { subject: "winston", kind: "peer", open: winstonWriter, share: 1 / 8, note: "json format" },
];

function linesBelow(folder: string): number {
  let lines = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /^events.*\.jsonl$/.test(entry.name))
      lines += readFileSync(join(entry.parentPath, entry.name), "utf8").split("\n").length - 1;
  }
  return lines;
}

/** Events a second until all of them are in the file. */
async function toDisk(count: number, rounds: number): Promise<BenchmarkRow[]> {
  const folders: string[] = [];
  const candidates = WRITERS.map(({ subject, kind, open, share }): Candidate => {
    const events = Math.round(count * share);
    let folder = "";
    let writer: Writer | undefined;
    return {
      subject,
      kind,
      before: async () => {
        if (folder !== "") rmSync(folder, { recursive: true, force: true });
        folder = mkdtempSync(join(tmpdir(), "holdfast-bench-emit-"));
        folders.push(folder);
        writer = await open(folder);
      },
      run: async () => {
        for (let turn = 1; turn <= events; turn += 1) {
          writer?.write(turn);
          // A turn of an engine: a burst, and then a look whether there is room.
          if (turn % 100 === 0) await writer?.ready();
        }
        await writer?.end();
      },
      result: () => (linesBelow(folder) === events ? "all there" : `${linesBelow(folder)} of ${events}`),
    };
  });
  try {
    const measured = await compareInTurn(candidates, { rounds, warmup: 1 });
    const [ours, peer] = [measured[0], measured[1]];
    if (ours === undefined || peer === undefined) throw new Error("Both are part of every run");
    const overPino = pairedRatio(peer, ours);
    return measured.map((one, index): BenchmarkRow => {
      const { share = 1, note = "" } = WRITERS[index] ?? {};
      const row = {
        job: "events of 300 B to a file",
        subject: one.subject,
        kind: one.kind,
        median: (count * share * 1_000) / one.median,
        unit: "events/s",
        note,
      };
      if (one.kind !== "ours") return row;
      return { ...row, ratio: overPino, goal: "at least twice pino", met: overPino >= 2 };
    });
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** How much memory a queue takes that is full all the time. */
async function memoryOfQueue(events: number): Promise<BenchmarkRow> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-emit-"));
  try {
    await using store = fileStore(folder);
    const stream = await openEventStream(store, RUN, { onFull: "drop" });
    let most = 0;
    let before = 0;
    for (let turn = 1; turn <= events; turn += 1) {
      stream.emit(eventOf(turn));
      if (turn % 20_000 !== 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      const used = process.memoryUsage.rss();
      if (turn <= events / 4) before = Math.max(before, used);
      else most = Math.max(most, used);
    }
    await stream.close();
    const { kept, dropped } = stream.stats;
    if (kept + dropped !== events) throw new Error(`${kept} + ${dropped} is not ${events}`);
    const grown = (most - before) / 2 ** 20;
    return {
      job: "memory while more is emitted than can be written",
      subject: OURS,
      kind: "ours",
      median: Math.max(0, grown),
      unit: "MiB",
      goal: "bounded by the queue: at most 64 MiB more after the first quarter",
      met: grown <= 64,
      note: `${events} events, ${dropped} dropped`,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = {
  name: "emit",
  async run({ quick }) {
    const rows = [
      ...(await callersTime(quick ? 7 : 21, quick ? 10 : 30)),
      ...(await toDisk(quick ? 40_000 : 200_000, quick ? 3 : 7)),
      await memoryOfQueue(quick ? 400_000 : 4_000_000),
    ];
    return { name: "emit", rows, environment: environment() };
  },
};
