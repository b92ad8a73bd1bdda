import { createHash } from "node:crypto";
import { isDeviceName } from "./device-name.ts";

const SAFE = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/**
 * The name of an item's folder: its id where that is a safe name, otherwise `~`, what is readable of it and a part of its
 * checksum, so that ids of any length and any characters get different folders.
 */
export function workFolderName(id: string): string {
  if (SAFE.test(id) && !id.endsWith(".") && !isDeviceName(id)) return id;
  const readable = id.replaceAll(/[^A-Za-z0-9_-]+/g, "_").slice(0, 40);
  return `~${readable}-${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}
