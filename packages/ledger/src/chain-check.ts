import { GENESIS_CHAIN } from "./chain.ts";
import { type ChainLine, chainOf, follows } from "./chain-line.ts";
import type { Envelope } from "./record.ts";

/** What is wrong with a line, or with what is around it. */
export type ChainFindingKind =
  | "edited"
  | "removed"
  | "inserted"
  | "reordered"
  | "late_write"
  | "respelled"
  | "not_json"
  | "invalid"
  | "unreadable"
  | "truncated";

/** What a check reports, before it is given a place. */
export interface Found {
  kind: ChainFindingKind;
  readonly position: number;
  message: string;
}

/** A line that was taken: what the next one must follow. An unknown chain takes any line with the right seq. */
interface Point {
  readonly position: number;
  readonly seq: number;
  readonly chain: string | undefined;
  readonly fence: number;
}

/** Stretches of missing lines and lines in the wrong place are remembered to be matched, up to so many. */
const REMEMBERED = 1_000;

/**
 * Follows a chain line by line and explains where it breaks.
 *
 * A line that does not follow the one before it is a suspect until the next line is seen: if that follows the suspect, the
 * suspect was edited or lines before it are missing, as its seq says; if it follows the line before the suspect, the suspect does
 * not belong there. Memory is constant, but for what is remembered of damage.
 */
export class ChainCheck {
  readonly #report: (found: Found) => void;
  #started = false;
  /** Lines before the first that has a chain, those of them that are whole, and the first of those. */
  #prefix = 0;
  #plain = 0;
  #firstPlain: number | undefined;
  #prefixChain: string | undefined = GENESIS_CHAIN;
  #before: Point | undefined;
  #at: Point = { position: 0, seq: 0, chain: GENESIS_CHAIN, fence: 0 };
  #suspect: ChainLine | undefined;
  #missing: { readonly from: number; readonly to: number; readonly found: Found }[] = [];
  readonly #displaced = new Map<number, string>();

  /** @param after - A line that is known to be right: what comes next must follow it. */
  constructor(report: (found: Found) => void, after?: Envelope) {
    this.#report = report;
    if (after === undefined) return;
    this.#started = true;
    this.#at = { position: after.seq, ...after };
  }

  /** Lines without a chain before the first that has one. */
  get unchained(): number {
    return this.#plain;
  }

  /** Seq and chain of the last line that was taken. */
  get head(): { readonly seq: number; readonly chain: string } | undefined {
    const { seq, chain } = this.#at;
    return this.#started && chain !== undefined ? { seq, chain } : undefined;
  }

  next(line: ChainLine): void {
    if (!this.#started && line.envelope === undefined) {
      this.#takeUnchained(line);
      return;
    }
    if (!this.#started) this.#start(line);
    if (this.#suspect === undefined) this.#take(line);
    else this.#resolve(this.#suspect, line);
  }

  finish(): void {
    if (this.#suspect !== undefined) this.#explainAlone(this.#suspect);
    this.#suspect = undefined;
  }

  /** A line before the first that has a chain. */
  #takeUnchained(line: ChainLine): void {
    this.#prefix += 1;
    this.#prefixChain = chainOf(this.#prefixChain, line);
    if (line.problem !== undefined) this.#found(line.problem.kind, line.position, line.problem.message);
    else {
      this.#plain += 1;
      this.#firstPlain ??= line.position;
      if (line.invalid !== undefined) this.#found("invalid", line.position, line.invalid);
    }
  }

  /** The first line that has a chain. It begins one, or goes on with one whose beginning was tampered with. */
  #start(line: ChainLine): void {
    this.#started = true;
    if (this.#prefix === 0 || line.envelope === undefined) return;
    const { seq } = line.envelope;
    const begins = follows(GENESIS_CHAIN, line);
    if (begins && seq === line.position) {
      this.#at = { position: this.#prefix, seq: this.#prefix, chain: GENESIS_CHAIN, fence: 0 };
      return;
    }
    this.#explainPrefix(line.position, begins);
    this.#plain = 0;
    const stripped = follows(this.#prefixChain, line);
    const chain = begins ? GENESIS_CHAIN : stripped ? this.#prefixChain : undefined;
    this.#at = { position: this.#prefix, seq: seq - 1, chain, fence: 0 };
  }

  /** Lines that carry no chain stand before one that goes on with one, or before the first of a ledger. */
  #explainPrefix(position: number, begins: boolean): void {
    const first = this.#firstPlain;
    if (first === undefined) return;
    if (begins)
      this.#found("inserted", first, `a chain begins at line ${position}, with line 1 of the ledger`);
    else if (this.#plain === 1) {
      this.#found("edited", first, `it carries no chain, but line ${position} goes on with one`);
    } else {
      const message = `it is the first that carries a chain, but does not begin one: it was edited, or those before it were`;
      this.#found("edited", position, message);
    }
  }

  #take(line: ChainLine): void {
    const { envelope } = line;
    const at = this.#at;
    if (envelope !== undefined && at.chain === undefined) {
      this.#takeUnverified(line, envelope.seq);
      return;
    }
    if (envelope === undefined || !follows(at.chain, line)) {
      this.#suspect = line;
      return;
    }
    if (envelope.seq !== at.seq + 1) {
      this.#found(
        "edited",
        line.position,
        `its seq is ${envelope.seq}, where ${at.seq + 1} belongs, with a chain made to fit`,
      );
    } else if (envelope.fence < at.fence) {
      this.#found("late_write", line.position, lateWrite(envelope.fence, at.fence));
    } else if (line.respelled) {
      this.#found(
        "respelled",
        line.position,
        "it says the same as when it was written, but in other characters or with a name twice",
      );
    }
    if (line.invalid !== undefined) this.#found("invalid", line.position, line.invalid);
    this.#accept(line, envelope.seq, envelope.chain, Math.max(envelope.fence, at.fence));
  }

  /** The line before it is damaged beyond use: only the seq, or a line met elsewhere, can vouch for this one. */
  #takeUnverified(line: ChainLine, seq: number): void {
    const expected = this.#at.seq + 1;
    const known = this.#displaced.get(seq - 1);
    if (known !== undefined && !follows(known, line)) {
      this.#found("edited", line.position, "its chain does not follow from the line before it");
    } else if (known === undefined && seq > expected) this.#removed(line.position, expected, seq - 1);
    else if (known === undefined && seq < expected) this.#outOfPlace(line, seq);
    this.#accept(line, seq, line.envelope?.chain, Math.max(line.envelope?.fence ?? 0, this.#at.fence));
  }

  #resolve(suspect: ChainLine, line: ChainLine): void {
    this.#suspect = undefined;
    const at = this.#at;
    const own = suspect.envelope;
    if (own !== undefined && follows(own.chain, line)) {
      this.#explainContinued(suspect, own.seq, line.envelope?.seq);
    } else if (follows(at.chain, line)) {
      if (this.#explainStray(suspect, line)) return;
    } else {
      const computed = chainOf(at.chain, suspect);
      if (follows(computed, line)) {
        this.#found("edited", suspect.position, suspect.problem?.message ?? "its chain was changed");
        this.#accept(suspect, at.seq + 1, computed, at.fence);
      } else this.#explainBroken(suspect, line);
    }
    this.#take(line);
  }

  /** The next line follows the suspect: it is a whole line that was edited, or a whole stretch in the wrong place. */
  #explainContinued(suspect: ChainLine, seq: number, nextSeq: number | undefined): void {
    const at = this.#at;
    const fork = this.#before;
    let taken = seq;
    if (suspect.envelope?.chain === at.chain) {
      this.#found("inserted", suspect.position, `a copy of line ${at.position}`);
    } else if (fork !== undefined && seq === fork.seq + 1 && follows(fork.chain, suspect)) {
      this.#found(
        "inserted",
        at.position,
        "another line stands for it: the ledger goes on as if it were not there",
      );
    } else if (seq === at.seq + 1) {
      this.#found("edited", suspect.position, this.#contentMessage());
    } else if (nextSeq === at.seq + 2) {
      this.#found("edited", suspect.position, `its seq is ${seq}, where ${at.seq + 1} belongs`);
      taken = at.seq + 1;
    } else if (seq > at.seq + 1) {
      this.#removed(suspect.position, at.seq + 1, seq - 1);
    } else {
      this.#outOfPlace(suspect, seq);
    }
    this.#accept(suspect, taken, suspect.envelope?.chain, Math.max(suspect.envelope?.fence ?? 0, at.fence));
  }

  /** The next line follows the one before the suspect. True when the next line is taken already. */
  #explainStray(suspect: ChainLine, line: ChainLine): boolean {
    const own = suspect.envelope;
    if (own === undefined || own.seq <= this.#at.seq + 1) {
      this.#stray(suspect);
      return false;
    }
    this.#found(
      "reordered",
      suspect.position,
      `line ${own.seq} stands where line ${this.#at.seq + 1} belongs`,
    );
    this.#displace(own.seq, own.chain);
    this.#take(line);
    // Two neighbours that changed places: the first, met too early, is the one that comes now.
    if (line.envelope?.seq === own.seq - 1 && follows(line.envelope.chain, suspect)) {
      this.#accept(suspect, own.seq, own.chain, this.#at.fence);
      this.#at = { ...this.#at, position: line.position };
    }
    return true;
  }

  /** The next line follows neither. */
  #explainBroken(suspect: ChainLine, line: ChainLine): void {
    const at = this.#at;
    const own = suspect.envelope;
    const nextSeq = line.envelope?.seq;
    const replaced = nextSeq === at.seq + 2;
    if (own !== undefined && own.seq === at.seq + 1) {
      this.#found("edited", suspect.position, this.#contentMessage());
      this.#accept(suspect, own.seq, own.chain, at.fence);
    } else if (own === undefined || replaced) {
      if (own === undefined) this.#unusable(suspect);
      else this.#outOfPlace(suspect, own.seq);
      if (own !== undefined) this.#displace(own.seq, own.chain);
      this.#before = undefined;
      this.#at = { position: suspect.position, seq: at.seq + 1, chain: undefined, fence: at.fence };
    } else if (own.seq > at.seq + 1) {
      this.#removed(suspect.position, at.seq + 1, own.seq - 1);
      this.#accept(suspect, own.seq, own.chain, at.fence);
    } else this.#stray(suspect);
  }

  /** There is no next line. */
  #explainAlone(suspect: ChainLine): void {
    const at = this.#at;
    const own = suspect.envelope;
    if (suspect.plain)
      this.#found("inserted", suspect.position, "it carries no chain, although the ledger has one");
    else if (own === undefined) this.#unusable(suspect);
    else if (own.seq === at.seq + 1) this.#found("edited", suspect.position, this.#contentMessage());
    else if (own.seq > at.seq + 1) this.#removed(suspect.position, at.seq + 1, own.seq - 1);
    else this.#stray(suspect);
  }

  /** A line that is in nobody's way: the ledger goes on without it. */
  #stray(suspect: ChainLine): void {
    const own = suspect.envelope;
    const at = this.#at;
    if (own === undefined && suspect.problem?.kind === "not_json") this.#unusable(suspect);
    else if (own !== undefined && own.fence < at.fence) {
      this.#found("late_write", suspect.position, lateWrite(own.fence, at.fence));
    } else if (own !== undefined && this.#wasMissing(own.seq)) this.#outOfPlace(suspect, own.seq);
    else this.#found("inserted", suspect.position, "the ledger goes on as if it were not there");
  }

  #unusable(line: ChainLine): void {
    if (line.problem === undefined)
      this.#found("edited", line.position, "it carries no chain, although the ledger has one");
    else this.#found(line.problem.kind, line.position, line.problem.message);
  }

  /** A line with a seq that was, or will be, due elsewhere. */
  #outOfPlace(line: ChainLine, seq: number): void {
    const gap = this.#wasMissing(seq);
    if (gap !== undefined && gap.found.kind === "removed") {
      gap.found.kind = "reordered";
      gap.found.message += `; found again at line ${line.position}`;
    }
    this.#found("reordered", line.position, `line ${seq} stands where line ${this.#at.seq + 1} belongs`);
    if (seq > this.#at.seq + 1)
      this.#miss(this.#at.seq + 1, this.#at.seq + 1, {
        kind: "reordered",
        position: line.position,
        message: "",
      });
  }

  #removed(position: number, from: number, to: number): void {
    const what = from === to ? `line ${from} is missing` : `lines ${from} to ${to} are missing`;
    this.#miss(from, to, this.#found("removed", position, `${what} before it`));
  }

  #miss(from: number, to: number, found: Found): void {
    if (this.#missing.length < REMEMBERED) this.#missing.push({ from, to, found });
  }

  #wasMissing(seq: number): { readonly found: Found } | undefined {
    return this.#missing.find(({ from, to }) => from <= seq && seq <= to);
  }

  #displace(seq: number, chain: string): void {
    if (this.#displaced.size < REMEMBERED) this.#displaced.set(seq, chain);
  }

  #contentMessage(): string {
    return this.#lastFound === this.#at.position && this.#lastFound > 0
      ? "its chain does not follow from the line before it, which is damaged too"
      : "its chain does not fit its content and the line before it";
  }

  #accept(line: ChainLine, seq: number, chain: string | undefined, fence: number): void {
    this.#before = this.#at;
    this.#at = { position: line.position, seq, chain, fence };
  }

  #lastFound = 0;

  #found(kind: ChainFindingKind, position: number, message: string): Found {
    const found: Found = { kind, position, message };
    this.#lastFound = position;
    this.#report(found);
    return found;
  }
}

function lateWrite(fence: number, newest: number): string {
  return `written by a holder that had been fenced off: its fence is ${fence}, ${newest} was there before it`;
}
