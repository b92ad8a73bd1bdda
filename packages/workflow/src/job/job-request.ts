import { setTimeout as delay } from "node:timers/promises";
import {
  type Claim,
  type Clock,
  formatTimestamp,
  type Holder,
  type Store,
  StoreConflictError,
} from "@holdfast/storage";
import { type JobManifest, jobTransition } from "@holdfast/task-store";
import * as z from "zod";

/** What may be asked of the process that works on a job. */
export const REQUESTABLE = ["pause", "suspend", "cancel"] as const;
/** A wish of a person, left beside the manifest for whoever holds the job: the holder alone writes the manifest. */
export const jobRequestSchema = z.looseObject({
  schema: z.literal("holdfast/job-request/v1").default("holdfast/job-request/v1"),
  action: z.enum(REQUESTABLE),
  by: z.string().optional().describe("Who asks"),
  summary: z.string().optional().describe("Why"),
  token: z.int().min(1).describe("Fencing token of the holder that is asked; others take no notice"),
  requested_at: z.string(),
});
/** A wish of a person for the holder of a job. */
export type JobRequest = z.output<typeof jobRequestSchema>;

const POLL_MS = 150;
const keyOf = (jobId: string): string => `jobs/${jobId}/request`;

/** A request as it is stored. */
interface StoredRequest {
  readonly request: JobRequest;
  readonly revision: string;
}

/** Leaves a request for the holder of a job; a later one takes the place of an earlier one. Gives the revision to withdraw it by. */
export async function leaveRequest(
  store: Store,
  jobId: string,
  request: Pick<JobRequest, "action" | "by" | "summary"> & { readonly holder: Holder },
  clock: Clock,
): Promise<string> {
  const { action, by, summary, holder } = request;
  const { revision } = await store.documents.put(keyOf(jobId), {
    schema: "holdfast/job-request/v1",
    action,
    ...(by === undefined ? {} : { by }),
    ...(summary === undefined ? {} : { summary }),
    token: holder.token,
    requested_at: formatTimestamp(clock()),
  });
  return revision;
}

/** Takes a request away again, unless another has taken its place. */
export async function dropRequest(store: Store, jobId: string, revision: string): Promise<void> {
  try {
    await store.documents.delete(keyOf(jobId), { expected: revision });
  } catch (error) {
    if (!(error instanceof StoreConflictError)) throw error;
  }
}

/** The request that is there for a holder. One that was left for another, or is none, is as good as not there. */
async function findRequest(store: Store, claim: Claim): Promise<StoredRequest | undefined> {
  const stored = await store.documents.get(keyOf(claim.id));
  if (stored === undefined) return undefined;
  const parsed = jobRequestSchema.safeParse(stored.value);
  if (!parsed.success || parsed.data.token !== claim.token) return undefined;
  return { request: parsed.data, revision: stored.revision };
}

/** Watches for a request while an agent works. */
export interface RequestWatch extends AsyncDisposable {
  /** Aborts when the step is to stop: the caller's own signal, or a request that the job's state allows. */
  readonly signal: AbortSignal;
  /** The request that stopped the step. */
  readonly request: JobRequest | undefined;
}

/** Looks for requests until it is disposed of. One that the state does not allow is dropped: whoever left it finds the state and is told. */
export function watchRequests(
  store: Store,
  claim: Claim,
  job: JobManifest,
  signal: AbortSignal | undefined,
): RequestWatch {
  const stop = new AbortController();
  const end = new AbortController();
  let request: JobRequest | undefined;
  const watching = (async () => {
    while (!end.signal.aborted && request === undefined) {
      try {
        const found = await findRequest(store, claim);
        if (found !== undefined) {
          await dropRequest(store, claim.id, found.revision);
          if (jobTransition(job.status, found.request.action) !== undefined) request = found.request;
        }
      } catch {
        // A store that cannot be read now is the step's to notice.
      }
      if (request === undefined) await delay(POLL_MS, undefined, { signal: end.signal }).catch(() => {});
    }
    if (request !== undefined) stop.abort(request);
  })();
  return {
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    get request() {
      return request;
    },
    async [Symbol.asyncDispose]() {
      end.abort();
      await watching;
    },
  };
}
