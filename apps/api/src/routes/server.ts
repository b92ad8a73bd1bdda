import * as z from "zod";
import { ProblemError } from "../errors.ts";
import { jsonReply } from "../reply.ts";
import { defineRoute } from "../route.ts";

const health = defineRoute({
  path: "/healthz",
  operationId: "getHealth",
  tag: "server",
  summary: "Whether the server runs",
  description: "Answers as long as the process does, also without a token. The store is not looked at.",
  open: true,
  answer: {
    description: "It runs",
    schema: z.object({ status: z.literal("ok") }),
    example: { status: "ok" },
  },
  problems: [],
  handle: async () => jsonReply({ status: "ok" }),
});

const ready = defineRoute({
  path: "/readyz",
  operationId: "getReadiness",
  tag: "server",
  summary: "Whether the store can be read",
  description:
    "Looks into the store, also without a token. A store that is not there yet is an empty one, and fine; one that cannot be read, or is none, gives 503.",
  open: true,
  answer: {
    description: "It can be read",
    schema: z.object({ status: z.literal("ok") }),
    example: { status: "ok" },
  },
  problems: [],
  async handle({ store }) {
    try {
      await store.documents.list("runs/", { limit: 1 });
    } catch (error) {
      throw new ProblemError(
        "STORE_UNAVAILABLE",
        "The store cannot be read now; this server's log says why",
        {
          cause: error,
        },
      );
    }
    return jsonReply({ status: "ok" });
  },
});

const metrics = defineRoute({
  path: "/metrics",
  operationId: "getMetrics",
  tag: "server",
  summary: "Metrics",
  description:
    "Requests, times, live tails, connections, corrupt lines and the process, in the text format of Prometheus.",
  answer: {
    description: "The metrics",
    type: "text/plain",
    schema: z.string(),
    example: "# TYPE holdfast_live_tails gauge\nholdfast_live_tails 0\n",
  },
  problems: [],
  handle: async ({ settings }) => ({
    status: 200,
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    body: settings.metricsText(),
  }),
});

const openApi = defineRoute({
  path: "/openapi.json",
  operationId: "getOpenApi",
  tag: "server",
  summary: "This description, for programs",
  description: "The OpenAPI 3.1 document of all requests and answers.",
  answer: {
    description: "The document",
    schema: z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
    example: { openapi: "3.1.0", info: { title: "Holdfast", version: "1.0.0" }, paths: {} },
  },
  problems: [],
  handle: async ({ settings }) => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: settings.openApi(),
  }),
});

const docs = defineRoute({
  path: "/docs",
  operationId: "getDocs",
  tag: "server",
  summary: "This description, for people",
  description: "One page, made from the OpenAPI document. It loads nothing and runs no script.",
  answer: {
    description: "The page",
    type: "text/html",
    schema: z.string(),
    example: "<!doctype html>",
  },
  problems: [],
  async handle({ settings }) {
    const { html, policy } = settings.docs();
    return {
      status: 200,
      headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
      body: html,
    };
  },
});

/** The server itself. */
export const serverRoutes = [health, ready, metrics, openApi, docs];
