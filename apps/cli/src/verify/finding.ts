import { codeOf, messageOf } from "../failure.ts";

/** Something that `verify` noticed, from whichever part of the store. */
export interface Finding {
  /** `error`: a promise is broken. `warning`: worth a look. `info`: as it should be, but unfinished. */
  readonly severity: "error" | "warning" | "info";
  readonly kind: string;
  /** The file, with the line where there is one. */
  readonly place: string;
  readonly message: string;
  readonly meaning?: string;
  readonly run_id?: string;
}

/** What stands against something that cannot be read at all. */
export function unreadable(place: string, error: unknown, runId?: string): Finding {
  const message = messageOf(error);
  return {
    severity: "error",
    kind: codeOf(error),
    place,
    message,
    ...(runId === undefined ? {} : { run_id: runId }),
  };
}

/** Whether a finding is about a file, or a line of it. */
export function isAt(finding: Finding, place: string): boolean {
  return finding.place === place || finding.place.startsWith(`${place}:`);
}

/** One place is often seen from several sides; each is told once per place and kind, the worst first. */
export function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const order = { error: 0, warning: 1, info: 2 };
  const seen = new Set<string>();
  return findings
    .toSorted((a, b) => order[a.severity] - order[b.severity])
    .filter((finding) => {
      const key = `${finding.place}\n${finding.kind}\n${finding.message}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
}
