export { type Api, type ApiOptions, createApi, type LogEntry } from "./api.ts";
export {
  ApiError,
  type ApiErrorCode,
  type ProblemCode,
  ProblemError,
  ServeError,
  type ServeErrorCode,
} from "./errors.ts";
export { type OpenApiDocument } from "./openapi.ts";
export { type Problem, problemSchema } from "./problem.ts";
export { type ApiServer, type ServeOptions, serveApi } from "./serve.ts";
