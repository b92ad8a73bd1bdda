import * as z from "zod";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
} from "zod-openapi";
import type { ProblemCode } from "./errors.ts";
import { PROBLEM_TYPE, PROBLEMS, problemOf, problemSchema } from "./problem.ts";
import type { Route, RouteAnswer } from "./route.ts";

/** What any request may be answered with, whatever its route. */
const EVERYWHERE: readonly ProblemCode[] = [
  "INVALID_REQUEST",
  "UNAUTHORIZED",
  "FORBIDDEN_ORIGIN",
  "URI_TOO_LONG",
  "MISDIRECTED_REQUEST",
  "HEADERS_TOO_LARGE",
  "INTERNAL_ERROR",
  "STORE_UNAVAILABLE",
];

const TAGS = [
  { name: "simulations", description: "Event streams: what happened, when, to whom, and why" },
  { name: "runs", description: "Simulations and workflows: where they stand and what they recorded" },
  { name: "records", description: "Tasks, jobs and snapshots" },
  { name: "server", description: "The server itself" },
];

/** An OpenAPI document, as far as this package looks into it. */
export type OpenApiDocument = ReturnType<typeof createDocument>;

/**
 * Makes the OpenAPI 3.1 document of a table of routes, from the schemas that check the requests and that the records are read with.
 *
 * @param schemas - Records, by the name they get among the components.
 * @see {@link https://spec.openapis.org/oas/v3.1.1.html | OpenAPI Specification 3.1}
 */
export function openApiDocument(
  routes: readonly Route[],
  options: {
    readonly version: string;
    readonly needsToken: boolean;
    readonly schemas: Readonly<Record<string, z.ZodType>>;
  },
): OpenApiDocument {
  const { version, needsToken, schemas } = options;
  return createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Holdfast",
        version,
        description:
          "What a Holdfast store holds: events and what caused them, runs, checkpoints, ledgers, tasks, jobs, snapshots. Nothing can be changed here. Errors are problem documents (RFC 9457).",
        license: { name: "MIT", identifier: "MIT" },
      },
      servers: [{ url: "/" }],
      tags: TAGS,
      security: needsToken ? [{ bearer: [] }] : [],
      components: {
        schemas: { Problem: problemSchema, ...schemas },
        ...(needsToken ? { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } } : {}),
      },
      paths: Object.fromEntries(routes.map((route) => [route.path, { get: operationOf(route, needsToken) }])),
    },
    { allowEmptySchema: { custom: true } },
  );
}

function operationOf(route: Route, needsToken: boolean): ZodOpenApiOperationObject {
  const { params, query, headers } = route;
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: route.description,
    ...(route.open === true && needsToken ? { security: [] } : {}),
    requestParams: {
      ...(params === undefined ? {} : { path: params }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: z.object(headers) }),
    },
    responses: { "200": successOf(route.answer), ...problemsOf(route, needsToken) },
  };
}

function successOf(answer: RouteAnswer): ZodOpenApiResponseObject {
  const { description, type = "application/json", schema, example, headers } = answer;
  return {
    description,
    content: { [type]: { schema, example } },
    ...(headers === undefined ? {} : { headers: z.object(headers) }),
  };
}

/** Problems by status: several codes may share one. */
function problemsOf(route: Route, needsToken: boolean): ZodOpenApiResponsesObject {
  const codes = [...EVERYWHERE, ...route.problems].filter((code) => code !== "UNAUTHORIZED" || needsToken);
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, sharing]) => [
        String(status),
        {
          description: sharing.map((code) => `\`${code}\`: ${PROBLEMS[code].title}`).join("; "),
          content: {
            [PROBLEM_TYPE]: {
              schema: problemSchema,
              examples: Object.fromEntries(sharing.map((code) => [code, { value: exampleOf(code) }])),
            },
          },
        },
      ]),
  ) as ZodOpenApiResponsesObject;
}

function exampleOf(code: ProblemCode): unknown {
  const message = code === "NOT_FOUND" ? "Not found: there is nothing of that id" : PROBLEMS[code].title;
  return problemOf({ code, message, details: {} });
}
