import { type Json, sealDocument } from "@holdfast/storage";

/** A record as a document. The store refuses what is no JSON: a record's unknown fields may hold anything. */
export function toJson(record: object): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the store checks it, and says where it is not
  return record as Json;
}

/** A record as a document that says when it was changed later. */
export function toSealed(record: object): Json {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
  return sealDocument(record as { readonly [name: string]: Json });
}
