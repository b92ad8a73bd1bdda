import { type Store, StoreDamagedError } from "@holdfast/storage";

/** A line of a stream; without a text when its bytes are none. */
export interface ReadableLine {
  readonly position: number;
  readonly text: string | undefined;
}

/**
 * Reads or follows a stream past lines whose bytes are no text. Such a line keeps its place, so reading goes on behind it: one damaged
 * line must not hide the rest from whoever looks for the damage, or watches a run.
 */
export async function* readableLines(
  logs: Store["logs"],
  key: string,
  options: { readonly from?: number; readonly signal?: AbortSignal | undefined; readonly follow?: boolean },
): AsyncGenerator<ReadableLine> {
  const { signal, follow = false } = options;
  let known: string | undefined;
  for (let from = options.from ?? 1; ; ) {
    const more = { from, ...(signal !== undefined && { signal }) };
    try {
      for await (const line of follow ? logs.tail(key, more) : logs.read(key, more)) {
        from = line.position + 1;
        yield line;
      }
      return;
    } catch (error) {
      if (!(error instanceof StoreDamagedError) || error.line === undefined) throw error;
      // A file that was put aside without its last newline: nothing leads past its end.
      const place = `${error.path}:${error.line}`;
      if (place === known) throw error;
      known = place;
      yield { position: from, text: undefined };
      from += 1;
    }
  }
}
