import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect, isDeepStrictEqual } from "node:util";
import type { DamagedFile, DamageResult, PreparedFile } from "./damaged-file.ts";
import { type Damaged, damage, seeded } from "./random-damage.ts";

/** How long one look may take. */
const HANG_MS = 10_000;
/** So many are tried however slow the machine, or the reader, is. */
const LEAST_SAMPLES = 12;
const CODE = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

/** How much is tried. */
export interface DamageBudget {
  readonly samples: number;
  /** Stops earlier, after so many seconds. */
  readonly seconds: number;
  /** Seed of the first sample; the next has the next. */
  readonly seed?: number;
}

type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "refused"; readonly code: string; readonly error: unknown };

type Verdict = "detected" | "withoutEffect" | "another";

/** Damages a type of file again and again, and judges what its readers make of it. */
export async function tryDamage(file: DamagedFile, budget: DamageBudget): Promise<DamageResult> {
  const counts = { detected: 0, withoutEffect: 0, another: 0 };
  const result = (samples: number, problem?: string): DamageResult => ({
    name: file.name,
    promise: file.promise,
    samples,
    ...counts,
    ...(problem === undefined ? {} : { problem }),
  });
  const folder = mkdtempSync(join(tmpdir(), "holdfast-damage-"));
  let prepared: PreparedFile | undefined;
  let samples = 0;
  try {
    prepared = await file.prepare(folder);
    await prepared.put(prepared.whole);
    const usual = await usualOf(prepared);
    const { seed: first = 1 } = budget;
    const started = performance.now();
    const hasTime = (): boolean => performance.now() - started < budget.seconds * 1_000;
    while (samples < budget.samples && (samples < LEAST_SAMPLES || hasTime())) {
      const seed = first + samples;
      const damaged = damage(prepared.whole, seeded(seed));
      samples += 1;
      try {
        counts[await judge(file, prepared, usual, damaged)] += 1;
      } catch (error) {
        const story = error instanceof Error ? error.message : inspect(error);
        return result(samples, `"${file.name}", seed ${seed}, ${damaged.what}: ${story}`);
      }
    }
    await prepared.put(prepared.whole);
    const after = await usualOf(prepared);
    return isDeepStrictEqual(after, usual)
      ? result(samples)
      : result(samples, `"${file.name}": put back whole, it is read as ${shown(after)}`);
  } finally {
    await prepared?.close?.();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Usual {
  readonly value: unknown;
  readonly told: readonly string[];
}

async function usualOf({ read, verify }: PreparedFile): Promise<Usual> {
  return { value: await read(), told: (await verify?.()) ?? [] };
}

async function judge(
  { refusals, otherValue, seal }: DamagedFile,
  prepared: PreparedFile,
  usual: Usual,
  { bytes, isSimple }: Damaged,
): Promise<Verdict> {
  await prepared.put(bytes);
  const outcome = await outcomeOf(prepared.read, refusals);
  const verify = prepared.verify ?? (() => Promise.resolve([]));
  const checked = await outcomeOf(verify, refusals);
  if (prepared.left !== undefined && !prepared.left().equals(bytes))
    throw new Error("reading changed the file");
  const told = checked.kind === "value" ? (checked.value as readonly string[]) : [checked.code];
  if (told.some((one) => !usual.told.includes(one))) return "detected";
  if (outcome.kind === "refused") {
    if (prepared.verify === undefined) return "detected";
    throw new Error(`the reader refuses it (${outcome.code}: ${shown(outcome.error)}), and verify is silent`);
  }
  if (isDeepStrictEqual(outcome.value, usual.value)) return "withoutEffect";
  const isUnsealed = seal !== undefined && !isSimple && !hasMember(bytes, seal);
  if (otherValue === "another" || isUnsealed) return "another";
  throw new Error(`nobody tells, and it is read as ${difference(outcome.value, usual.value)}`);
}

/** Whether a document still has a member, as far as it can be read here. */
function hasMember(bytes: Buffer, name: string): boolean {
  try {
    return Object.hasOwn(JSON.parse(bytes.toString("utf8")), name);
  } catch {
    return bytes.includes(name);
  }
}

async function outcomeOf(look: () => Promise<unknown>, refusals: RegExp): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${HANG_MS} ms`)), HANG_MS);
  });
  try {
    return { kind: "value", value: await Promise.race([look(), late]) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (CODE.test(code) && refusals.test(code)) return { kind: "refused", code, error };
    throw new Error(`it ends in ${inspect(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function shown(value: unknown): string {
  const text = value instanceof Error ? value.message : inspect(value, { depth: 8, breakLength: 120 });
  return text.length > 2_000 ? `${text.slice(0, 2_000)}...` : text;
}

function lines(value: unknown): string[] {
  return inspect(value, { depth: 12, breakLength: 100, maxArrayLength: null, maxStringLength: 500 }).split(
    "\n",
  );
}

/** The lines in which two values differ. */
function difference(actual: unknown, usual: unknown): string {
  const known = new Set(lines(usual));
  const other = lines(actual).filter((line) => !known.has(line));
  return shown(other.length === 0 ? actual : other.slice(0, 12).join("\n"));
}
