import type { Store } from "@holdfast/storage";
import type * as z from "zod";
import type { ApiSettings } from "./api.ts";
import type { ProblemCode } from "./errors.ts";
import type { Reply } from "./reply.ts";

/** What a route's handler works with: parameters that were checked, and where to look. */
export interface RouteInput<P, Q> {
  readonly params: P;
  readonly query: Q;
  readonly store: Store;
  readonly settings: ApiSettings;
  /** A header field of the request. */
  readonly header: (name: string) => string | undefined;
  /** True for HEAD: a stream need not be opened. */
  readonly headOnly: boolean;
  /** Aborts when the client has gone. */
  readonly signal: () => AbortSignal;
}

/** A successful answer, as it is documented. */
export interface RouteAnswer {
  readonly description: string;
  /** Default `application/json`. */
  readonly type?: string;
  /** Schema of the JSON, or of the text. */
  readonly schema: z.ZodType;
  /** An answer that fits the schema. */
  readonly example: unknown;
  /** Header fields, by name, with their schemas. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
}

/** A request this server answers: the router, the checks and the OpenAPI document are all made from it. */
export interface Route {
  /** Path with its parameters in braces. */
  readonly path: string;
  readonly operationId: string;
  readonly tag: "simulations" | "runs" | "records" | "server";
  readonly summary: string;
  readonly description: string;
  /** Answered without a token. */
  readonly open?: boolean;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Header fields the request may have, by name. */
  readonly headers?: Readonly<Record<string, z.ZodType>>;
  readonly answer: RouteAnswer;
  /** Problems of this route besides those that every request can have. */
  readonly problems: readonly ProblemCode[];
  readonly handle: (input: RouteInput<never, never>) => Promise<Reply>;
}

type Shape = z.ZodObject;
type NoParameters = object;

/** Makes a route whose handler knows the types of its parameters. */
export function defineRoute<P extends Shape | undefined = undefined, Q extends Shape | undefined = undefined>(
  route: Omit<Route, "params" | "query" | "handle"> & {
    readonly params?: P;
    readonly query?: Q;
    readonly handle: (
      input: RouteInput<
        P extends Shape ? z.output<P> : NoParameters,
        Q extends Shape ? z.output<Q> : NoParameters
      >,
    ) => Promise<Reply>;
  },
): Route {
  return route as unknown as Route;
}
