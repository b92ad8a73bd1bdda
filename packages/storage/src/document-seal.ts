import { checksumBytes } from "@holdfast/checksum";
import { isRecord, type Json } from "./json.ts";

/** The member of a document that seals the others. */
const SEAL = "document_sha256";

/** A document as it was read. */
export interface SealedDocument {
  /** Without its seal. */
  readonly value: Json;
  /** `none`: it was written by something that does not seal. `broken`: it was changed after it was written. */
  readonly seal: "whole" | "broken" | "none";
}

/**
 * Gives a document its last member, `document_sha256`: the checksum of the JSON of all others in their order, without spaces. Who reads the
 * document by {@link openSealed} notices when a byte of it that means something was changed.
 *
 * @param document - An object; what JSON cannot hold is left for `put()` to refuse.
 */
export function sealDocument(document: { readonly [name: string]: Json }): {
  readonly [name: string]: Json;
} {
  const { [SEAL]: _old, ...rest } = document;
  const seal = sealOf(rest);
  return seal === undefined ? rest : { ...rest, [SEAL]: seal };
}

/** Takes the seal off a document, and says what it is worth. */
export function openSealed(document: Json): SealedDocument {
  if (!isRecord(document)) return { value: document, seal: "none" };
  const { [SEAL]: seal, ...rest } = document;
  if (seal !== undefined) return { value: rest, seal: sealOf(rest) === seal ? "whole" : "broken" };
  // The name of the seal may be what was changed.
  const [name, last] = Object.entries(rest).at(-1) ?? [];
  if (name === undefined || typeof last !== "string" || !/^sha256:[0-9a-f]{64}$/.test(last))
    return { value: document, seal: "none" };
  const { [name]: _renamed, ...others } = rest;
  return { value: document, seal: sealOf(others) === last ? "broken" : "none" };
}

function sealOf(rest: { readonly [name: string]: Json }): string | undefined {
  try {
    return checksumBytes(JSON.stringify(rest));
  } catch {
    // No JSON, or nested too deeply: no document.
    return undefined;
  }
}
