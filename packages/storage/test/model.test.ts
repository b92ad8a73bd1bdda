import assert from "node:assert/strict";
import { temporaryFolders } from "@holdfast/test-kit";
import * as fc from "fast-check";
import { describe, it } from "vitest";
import { gather } from "../src/conformance/test-api.ts";
import {
  type Claim,
  fileStore,
  type Json,
  memoryStore,
  type Store,
  StoreConflictError,
  StoreError,
  StoreFencedError,
} from "../src/index.ts";

const newFolder = temporaryFolders();

/** What a store and its user know: the store in memory is the model of the one on files. */
interface World {
  store: Store;
  readonly claims: Claim[];
  readonly revisions: string[];
}

type Step = (world: World) => Promise<unknown>;

const key = fc.constantFrom("runs/a/run", "runs/a", "runs/b/run", "z");
const log = fc.constantFrom("runs/a/ledger", "runs/a/events", "runs/b/transcript");
const index = fc.nat(5);
const fence = fc.option(index, { nil: undefined });

function fenceOf({ claims }: World, which: number | undefined): { fence?: Claim } {
  const claim = which === undefined ? undefined : claims[which % Math.max(1, claims.length)];
  return claim === undefined ? {} : { fence: claim };
}

function expectedOf({ revisions }: World, which: number | null | undefined): { expected?: string | null } {
  if (which === undefined) return {};
  return { expected: which === null ? null : (revisions[which % Math.max(1, revisions.length)] ?? "none") };
}

const line = fc.record({ id: fc.nat(6), pad: fc.nat(3), isKnown: fc.boolean(), turn: fc.nat(3) });

const step: fc.Arbitrary<[string, Step]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.jsonValue(), fc.option(index, { nil: undefined }), fc.boolean(), fence)
      .map(([name, value, which, isNew, under]): [string, Step] => [
        `put ${name} ${JSON.stringify(value)} ${isNew ? "new" : which} under ${under}`,
        async (world) => {
          const plain: Json = JSON.parse(JSON.stringify(value));
          const options = { ...expectedOf(world, isNew ? null : which), ...fenceOf(world, under) };
          const { revision } = await world.store.documents.put(name, plain, options);
          world.revisions.push(revision);
          return revision;
        },
      ]),
  },
  fc.tuple(key, fc.option(index, { nil: undefined }), fence).map(([name, which, under]): [string, Step] => [
    `delete ${name} ${which} under ${under}`,
    async (world) => {
      const { expected } = expectedOf(world, which);
      await world.store.documents.delete(name, {
        ...(typeof expected === "string" && { expected }),
        ...fenceOf(world, under),
      });
    },
  ]),
  key.map((name): [string, Step] => [`get ${name}`, ({ store }) => store.documents.get(name)]),
  fc
    .tuple(fc.constantFrom("", "runs/", "runs/a"), fc.integer({ min: 1, max: 3 }))
    .map(([prefix, limit]): [string, Step] => [
      `list ${prefix} ${limit}`,
      async ({ store }) => [await store.documents.list(prefix, { limit }), await store.logs.list(prefix)],
    ]),
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        log,
        fc.array(line, { minLength: 1, maxLength: 4 }),
        fc.option(fc.nat(6), { nil: undefined }),
        fence,
      )
      .map(([name, lines, expected, under]): [string, Step] => [
        `append ${name} ${JSON.stringify(lines)} ${expected} under ${under}`,
        (world) =>
          world.store.logs.append(
            name,
            lines.map(({ id, pad, isKnown, turn }) => ({
              text: JSON.stringify({ event_id: `e${id}`, turn_number: turn, pad: "p".repeat(pad) }),
              ...(isKnown && { dedupe: `e${id}` }),
            })),
            { ...(expected !== undefined && { expected }), ...fenceOf(world, under) },
          ),
      ]),
  },
  fc
    .tuple(log, fc.integer({ min: 1, max: 9 }))
    .map(([name, from]): [string, Step] => [
      `read ${name} ${from}`,
      async ({ store }) => [await store.logs.head(name), await gather(store.logs.read(name, { from }))],
    ]),
  fc
    .tuple(log, fc.nat(3), fc.boolean(), fc.integer({ min: 1, max: 4 }))
    .map(([name, turn, newestFirst, limit]): [string, Step] => [
      `find ${name} ${turn} ${newestFirst} ${limit}`,
      async ({ store }) => [
        await store.logs.find(name, { turnStart: turn }, { limit, newestFirst, offset: turn }),
        await store.logs.count(name, { turnEnd: turn }),
      ],
    ]),
  fc
    .tuple(fc.nat(4), fc.constantFrom(3, 900))
    .map(([which, length]): [string, Step] => [
      `put object ${which} ${length}`,
      ({ store }) => store.objects.put(Buffer.alloc(length, which)),
    ]),
  fc.constant<[string, Step]>([
    "objects",
    async ({ store }) => {
      const listed = await gather(store.objects.list());
      return Promise.all(
        listed.map(async ({ checksum, size }) => [
          checksum,
          size,
          Buffer.concat(await gather(store.objects.get(checksum))).length,
        ]),
      );
    },
  ]),
  fc
    .nat(2)
    .map((id): [string, Step] => [`offer ${id}`, ({ store }) => store.work.offer("q", `i${id}`, { id })]),
  {
    weight: 2,
    arbitrary: fc.nat(2).map((id): [string, Step] => [
      `claim ${id}`,
      async ({ store, claims }) => {
        const got = await store.work.claim("q", "me", { id: `i${id}` });
        claims.push(...got);
        return [got, (await store.work.holder("q", `i${id}`))?.token];
      },
    ]),
  },
  fc
    .tuple(index, fc.constantFrom("done" as const, "failed" as const, "ready" as const))
    .map(([which, to]): [string, Step] => [
      `settle ${which} ${to}`,
      async ({ store, claims }) => {
        const claim = claims[which % Math.max(1, claims.length)];
        return claim === undefined
          ? undefined
          : [await store.work.renew(claim), await store.work.settle(claim, to)];
      },
    ]),
);

/** What a step gives, in a form that can be compared: messages and times are each store's own. */
async function outcome(world: World, act: Step): Promise<unknown> {
  try {
    return { value: (await act(world)) ?? null };
  } catch (error) {
    if (error instanceof StoreConflictError)
      return { code: error.code, expected: error.expected, actual: error.actual };
    if (error instanceof StoreFencedError)
      return { code: error.code, token: error.token, actual: error.actual };
    if (error instanceof StoreError) return { code: error.code };
    throw error;
  }
}

describe("fileStore() and memoryStore()", () => {
  it("give the same answers to the same steps, across restarts of the one on files", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 12, arbitrary: step }, fc.constant("restart" as const)), {
          maxLength: 30,
        }),
        async (steps) => {
          const root = newFolder();
          const model: World = { store: memoryStore(), claims: [], revisions: [] };
          const real: World = { store: fileStore(root, { writerIdleMs: 0 }), claims: [], revisions: [] };
          try {
            for (const next of steps) {
              if (next === "restart") {
                await real.store.close();
                for (const claim of model.claims) await model.store.work.settle(claim, "ready");
                real.store = fileStore(root, { writerIdleMs: 0 });
                continue;
              }
              const [name, act] = next;
              assert.deepEqual(await outcome(real, act), await outcome(model, act), name);
            }
            for (const name of ["runs/a/ledger", "runs/a/events", "runs/b/transcript"]) {
              assert.deepEqual(
                await gather(real.store.logs.read(name)),
                await gather(model.store.logs.read(name)),
              );
            }
          } finally {
            await real.store.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});
