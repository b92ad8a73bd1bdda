import type { Json } from "@holdfast/storage";

/** One change; paths are JSON Pointers. */
export type JsonPatchOperation =
  | { readonly op: "add"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "replace"; readonly path: string; readonly value: Json }
  | { readonly op: "move"; readonly from: string; readonly path: string }
  | { readonly op: "copy"; readonly from: string; readonly path: string }
  | { readonly op: "test"; readonly path: string; readonly value: Json };

/**
 * Changes, one after the other.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6902 | RFC 6902}
 */
export type JsonPatch = readonly JsonPatchOperation[];

/**
 * A part of a JSON Pointer.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6901 | RFC 6901}
 */
export function pointerPart(name: string): string {
  return name.includes("~") || name.includes("/") ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name;
}

/** The parts of a JSON Pointer; `undefined` for what is none. */
export function pointerParts(pointer: string): string[] | undefined {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split("/")
    .map((part) => (part.includes("~") ? part.replaceAll("~1", "/").replaceAll("~0", "~") : part));
}
