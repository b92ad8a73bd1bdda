import assert from "node:assert/strict";
import { CheckpointManager, verifyCheckpoints } from "@holdfast/checkpoint";
import { eventLog, openEventStream } from "@holdfast/events";
import { type Feature, feature } from "../feature.ts";
import { checkList } from "../old-or-new.ts";
import { afterCrash, withStore } from "../simulated-store.ts";

const RUN = "Tides_2agents_20260102_030405_01";
const TURNS = [1, 2, 3, 4, 5];
const INTERVAL = 2;

/** What simulations keep. */
export const SIMULATIONS: readonly Feature[] = [
  feature<number, { last: number; turns: readonly number[] } | undefined>(
    "checkpoints of a simulation",
    "the last saved turn is there and whole, and so is every checkpoint before it",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store) => {
          const checkpoints = new CheckpointManager(store, RUN, INTERVAL);
          for (const turn of TURNS) {
            const state = { turn, water: "x".repeat(turn * 100) };
            begin(turn);
            await checkpoints.save(state, "last");
            if (checkpoints.shouldSave(turn, turn === TURNS.at(-1)))
              await checkpoints.save(state, turn === TURNS.at(-1) ? "final" : "interval");
            acknowledge(turn);
          }
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const checkpoints = new CheckpointManager(store, RUN, INTERVAL);
          const listed = await checkpoints.list(RUN);
          const turns = listed.map(({ turn }) => turn).filter((turn) => typeof turn === "number");
          assert.deepEqual(
            (await verifyCheckpoints(store, RUN)).filter(({ severity }) => severity === "error"),
            [],
          );
          try {
            const { checkpoint, fallback } = await checkpoints.load(RUN, "last");
            assert.equal(fallback, undefined);
            return { last: checkpoint.turn, turns };
          } catch (error) {
            if ((error as { code?: string }).code === "CHECKPOINT_MISSING") return undefined;
            throw error;
          }
        }),
      check: ({ recovered, acknowledged, begun }) => {
        const saved = acknowledged.at(-1) ?? 0;
        const last = recovered?.last ?? 0;
        assert.ok(last >= saved && last <= (begun.at(-1) ?? 0), `last is ${last} after ${saved}`);
        for (const turn of acknowledged) {
          if (turn % INTERVAL === 0 || turn === TURNS.at(-1))
            assert.ok(recovered?.turns.includes(turn), `turn ${turn} is missing`);
        }
      },
    },
  ),
  feature<number, number[]>(
    "events emitted and flushed",
    "events that were flushed stay, in order, over rotations",
    {
      workload: ({ fileSystem, begin, acknowledge }) =>
        withStore(fileSystem, async (store, clock) => {
          const stream = await openEventStream(store, RUN, { clock, onFull: "wait", rotateBytes: 500 });
          for (const turn of TURNS) {
            begin(turn);
            stream.emit({
              event_type: "MILESTONE",
              turn_number: turn,
              details: { milestone_type: "turn_end" },
            });
            await stream.flush();
            acknowledge(turn);
          }
          await stream.close();
        }),
      recover: (disk) =>
        afterCrash(disk, async (store) => {
          const stream = await openEventStream(store, RUN);
          stream.emit({ event_type: "SYSTEM", turn_number: 99, details: { status: "ok" } });
          await stream.close();
          const { events, corrupt_lines } = await eventLog(store, RUN).query({});
          assert.equal(corrupt_lines, 0);
          return events.map(({ turn_number }) => turn_number).filter((turn) => turn < 99);
        }),
      check: ({ recovered, ...promised }) => checkList(recovered, promised),
    },
  ),
];
