import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { Json } from "@holdfast/storage";
import { isJsonObject } from "./json.ts";

/** The text of a document whose largest member stands last, cut there. Its bytes are no longer needed. */
export type DocumentText =
  | {
      /** The document with `null` in place of the member. */
      readonly head: Json;
      readonly memberText: string;
      /** Checksum of the bytes of the member, as they stand. */
      readonly checksum: string;
    }
  | { readonly wholeText: string };

/** A document, and its largest member apart. */
export interface SplitDocument {
  /** The document with `null` in place of the member. */
  readonly head: Json;
  /** The member; `undefined` when there is none. */
  readonly member: Json | undefined;
  /** Checksum of the bytes of the member, where it stands last and on one line, as it is written. */
  readonly checksum: string | undefined;
}

const END = Buffer.from("\n}\n");

/**
 * Cuts the bytes of a document before a member that stands last, on one line, so that a checksum of its bytes can be compared without writing the value
 * again. Two steps, so that who reads a long one can let go of the bytes before the value is made.
 *
 * @throws {SyntaxError} For what is no UTF-8.
 */
export function cutDocument(bytes: Uint8Array, name: string): DocumentText {
  if (!isUtf8(bytes)) throw new SyntaxError("it is not UTF-8");
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return cutAtLine(buffer, name) ?? { wholeText: buffer.toString("utf8") };
}

/**
 * Reads what was cut.
 *
 * @throws {SyntaxError} For what is no JSON.
 */
export function parseDocument(text: DocumentText, name: string): SplitDocument {
  if (!("wholeText" in text)) {
    const { head, memberText, checksum } = text;
    const member: Json = JSON.parse(memberText);
    return { head, member, checksum };
  }
  const { wholeText } = text;
  const value: Json = JSON.parse(wholeText.startsWith("\uFEFF") ? wholeText.slice(1) : wholeText);
  if (!isJsonObject(value) || !Object.hasOwn(value, name))
    return { head: value, member: undefined, checksum: undefined };
  const { [name]: member, ...rest } = value;
  return { head: { ...rest, [name]: null }, member, checksum: undefined };
}

/**
 * The text before the member, with `null` and an end for the rest, is JSON only if the member stands at the top of the document; so the two parts
 * together are the whole, whatever else the document holds.
 */
function cutAtLine(bytes: Buffer, name: string): DocumentText | undefined {
  const before = Buffer.from(`\n  ${JSON.stringify(name)}: `);
  const at = bytes.indexOf(before);
  const from = at + before.length;
  const to = bytes.length - END.length;
  if (at === -1 || to <= from || !bytes.subarray(to).equals(END)) return undefined;
  const raw = bytes.subarray(from, to);
  if (raw.includes(0x0a)) return undefined;
  try {
    const head: Json = JSON.parse(`${bytes.toString("utf8", 0, from)}null\n}\n`);
    if (!isJsonObject(head) || head[name] !== null) return undefined;
    const checksum = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
    return { head, memberText: raw.toString("utf8"), checksum };
  } catch {
    return undefined;
  }
}
