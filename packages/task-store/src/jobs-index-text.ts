import { JsonText } from "@holdfast/storage";

const HEAD = '{\n  "schema": "holdfast/jobs-index/v1",\n  "jobs": {';
const TAIL = "\n  }\n}\n";
const ENTRY_END = "\n    }";

/** The entry of a job in the text of an index, and the text with another one in its place. */
export interface EntryPlace {
  /** The entry that is there; `undefined` when there is none. */
  readonly text: string | undefined;
  /** The member `jobs` with that entry replaced, or added. */
  with(entry: object): JsonText;
}

/**
 * Finds the entry of a job in the text of an index without reading the rest of it, so that a change of one job among ten thousand does not parse and print them all.
 *
 * @param bytes - The document as it stands.
 * @param jobId - An id of a job: nothing in it needs an escape.
 * @returns `undefined` when the text does not begin and end as it is written here: another program wrote it, or it is damaged.
 */
export function placeOfEntry(bytes: Uint8Array, jobId: string): EntryPlace | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!buffer.subarray(0, HEAD.length).equals(Buffer.from(HEAD))) return undefined;
  if (!buffer.subarray(-TAIL.length).equals(Buffer.from(TAIL))) return undefined;
  const jobs = buffer.subarray(HEAD.length, -TAIL.length);
  // A text in JSON holds no line break: what begins a line is no part of a description.
  const name = `\n    "${jobId}": `;
  const at = jobs.indexOf(name);
  if (at === -1) {
    const isEmpty = jobs.length === 0;
    return {
      text: undefined,
      with: (entry) => jobsText(jobs, Buffer.from(`${isEmpty ? "" : ","}${name}${printed(entry)}`)),
    };
  }
  const start = at + name.length;
  const end = jobs.indexOf(ENTRY_END, start) + ENTRY_END.length;
  if (end < start) return undefined;
  return {
    text: jobs.toString("utf8", start, end),
    with: (entry) => jobsText(jobs.subarray(0, start), Buffer.from(printed(entry)), jobs.subarray(end)),
  };
}

/** As it stands in a document, two levels deep. */
function printed(entry: object): string {
  return JSON.stringify(entry, null, 2).replaceAll("\n", "\n    ");
}

function jobsText(...pieces: readonly Uint8Array[]): JsonText {
  return new JsonText([Buffer.from("{"), ...pieces, Buffer.from("\n  }")]);
}
