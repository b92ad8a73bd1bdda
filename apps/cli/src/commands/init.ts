import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureDirectory, writeFileAtomic } from "@holdfast/fsutil";
import { fileStore } from "@holdfast/storage";
import type { Context } from "../context.ts";
import { CommandError, EXIT } from "../failure.ts";
import { SIMULATION_TEMPLATE } from "../init/simulation-template.ts";
import { WORKFLOW_TEMPLATE } from "../init/workflow-template.ts";

/** The config for each kind of work. */
const TEMPLATES = { workflow: WORKFLOW_TEMPLATE, simulation: SIMULATION_TEMPLATE } as const;

/** Makes a store, and a commented config beside it that runs as it is. */
export async function init(
  context: Context,
  dir: string,
  options: { readonly kind: keyof typeof TEMPLATES; readonly force?: boolean },
): Promise<undefined> {
  const { name, text } = TEMPLATES[options.kind];
  const folder = resolve(dir);
  const config = join(folder, name);
  if (existsSync(config) && options.force !== true) {
    throw new CommandError(
      "INIT_EXISTS",
      `Cannot write "${config}": it is there already; name another folder, or use --force`,
      EXIT.usage,
    );
  }
  await ensureDirectory(folder);
  const root = dir === "." ? context.root : join(folder, ".holdfast");
  const store = fileStore(root);
  try {
    await store.create();
  } finally {
    await store.close();
  }
  await writeFileAtomic(config, text, { mode: 0o600 });
  const next = dir === "." ? `holdfast run ${name}` : `cd ${dir} && holdfast run ${name}`;
  await context.result({ root, config }, `store   ${root}\nconfig  ${config}\nnext    ${next}\n`);
  return undefined;
}
