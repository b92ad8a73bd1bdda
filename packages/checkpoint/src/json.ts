import type { Json } from "@holdfast/storage";

/** A JSON object. */
export type JsonObject = { readonly [name: string]: Json };

/** Whether a value is an object with names: no list, not null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
