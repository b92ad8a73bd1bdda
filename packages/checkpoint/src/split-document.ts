import { isUtf8 } from "node:buffer";
import type { Json } from "@holdfast/storage";
import { isJsonObject } from "./json.ts";

/** A document whose largest member stands last, taken apart. */
export interface SplitDocument {
  /** The document with `null` in place of the member. */
  readonly head: Json;
  /** The member; `undefined` when there is none. */
  readonly member: Json | undefined;
  /** The bytes of the member, where it stands on one line as it was written. */
  readonly raw: Uint8Array | undefined;
}

const END = Buffer.from("\n}\n");

/**
 * Reads a document and takes a member out of it. Where the member stands last, on one line, its bytes are told, so that a checksum of them
 * can be compared without writing the value again.
 *
 * @throws {SyntaxError} For what is no JSON.
 */
export function splitDocument(bytes: Uint8Array, name: string): SplitDocument {
  if (!isUtf8(bytes)) throw new SyntaxError("it is not UTF-8");
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return splitAtLine(buffer, name) ?? splitWhole(buffer, name);
}

/**
 * The text before the member, with `null` and an end for the rest, is JSON only if the member stands at the top of the document; so the two parts
 * together are the whole, whatever else the document holds.
 */
function splitAtLine(bytes: Buffer, name: string): SplitDocument | undefined {
  const before = Buffer.from(`\n  ${JSON.stringify(name)}: `);
  const at = bytes.indexOf(before);
  const from = at + before.length;
  const to = bytes.length - END.length;
  if (at === -1 || to <= from || !bytes.subarray(to).equals(END)) return undefined;
  const raw = bytes.subarray(from, to);
  if (raw.includes(0x0a)) return undefined;
  let head: Json;
  try {
    head = JSON.parse(`${bytes.toString("utf8", 0, from)}null\n}\n`);
  } catch {
    return undefined;
  }
  if (!isJsonObject(head) || head[name] !== null) return undefined;
  const member: Json = JSON.parse(raw.toString("utf8"));
  return { head, member, raw };
}

function splitWhole(bytes: Buffer, name: string): SplitDocument {
  const text = bytes.toString("utf8");
  const value: Json = JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text);
  if (!isJsonObject(value) || !Object.hasOwn(value, name))
    return { head: value, member: undefined, raw: undefined };
  const { [name]: member, ...rest } = value;
  return { head: { ...rest, [name]: null }, member, raw: undefined };
}
