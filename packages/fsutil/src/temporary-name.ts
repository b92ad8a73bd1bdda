import { sep } from "node:path";
import { ownIdentity, type ProcessIdentity, worldStamp } from "./process-identity.ts";

// .<name>.tmp.<pid>.<random>, where <random> is 8 random hex digits, 12 of the writer's world and its start time in hex:
// who cleans up later can tell a living writer from a dead one and from one whose pid was given out again.
const PATTERN = /^\.(.+)\.tmp\.(\d{1,10})\.([0-9A-Za-z]+)$/su;
const STAMP = /^[0-9a-f]{8}([0-9a-f]{12})([0-9a-f]+)$/u;
const MAX_NAME_BYTES = 255;

/** What the name of a temporary file says about its writer. */
export interface TemporaryName {
  readonly pid: number;
  /** Absent in names that another program, or another version, chose. */
  readonly stamp: { readonly world: string; readonly start: string } | undefined;
}

let suffixOfProcess: string | undefined; // a fact about this process that never changes, found out at its first write

function writerStamp(identity: ProcessIdentity): string {
  const start = identity.process_start === null ? 0n : BigInt(identity.process_start);
  return worldStamp(identity) + start.toString(16);
}

/** A new name in the folder of `target`, an absolute path, for its next content. */
export function temporaryPath(target: string): string {
  suffixOfProcess ??= writerStamp(ownIdentity());
  const suffix = `.tmp.${process.pid}.${randomDigits()}${suffixOfProcess}`;
  const start = target.lastIndexOf(sep) + 1;
  let name = target.slice(start);
  if (name.length + suffix.length >= MAX_NAME_BYTES / 3) {
    // Near the limit of 255 bytes: keep as much of the name as fits, and no half of a character.
    const room = MAX_NAME_BYTES - 1 - Buffer.byteLength(suffix);
    while (Buffer.byteLength(name) > room) name = Array.from(name).slice(0, -1).join("");
  }
  return `${target.slice(0, start)}.${name}${suffix}`;
}

/** Only threads of one process can meet in a name, and a file is never opened that is there already. */
function randomDigits(): string {
  return Math.floor(Math.random() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, "0");
}

/** Reads the name of a temporary file; `undefined` for every other name. */
export function parseTemporaryName(name: string): TemporaryName | undefined {
  const match = PATTERN.exec(name);
  if (match === null) return undefined;
  const pid = Number(match[2]);
  if (pid < 1) return undefined;
  const stamp = STAMP.exec(match[3] ?? "");
  return {
    pid,
    stamp:
      stamp === null
        ? undefined
        : { world: stamp[1] ?? "", start: BigInt(`0x${stamp[2] ?? "0"}`).toString() },
  };
}
