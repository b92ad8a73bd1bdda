import { join, resolve } from "node:path";
import { writeJsonAtomic } from "@holdfast/fsutil";
import type { Context } from "../context.ts";
import { recordSchemas } from "../record-schemas.ts";

/** Writes the JSON Schemas into a folder, a file each; without one, all of them as one document. */
export async function schemas(context: Context, options: { readonly out?: string }): Promise<undefined> {
  const all = recordSchemas();
  if (options.out === undefined) {
    const document = Object.fromEntries(all);
    await context.out.write(`${JSON.stringify(document, null, 2)}\n`);
    return undefined;
  }
  const folder = resolve(options.out);
  const files: string[] = [];
  for (const [name, schema] of all) {
    const path = join(folder, `${name}.json`);
    await writeJsonAtomic(path, schema, { mode: 0o644, durability: "none" });
    files.push(path);
  }
  await context.result({ files }, files.map((path) => `${path}\n`).join(""));
  return undefined;
}
