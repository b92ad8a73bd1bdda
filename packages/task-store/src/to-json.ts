import type { Json } from "@holdfast/storage";

/** A record as a document. The store refuses what is no JSON: a record's unknown fields may hold anything. */
export function toJson(record: object): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the store checks it, and says where it is not
  return record as Json;
}
