import { statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Makes an agent's command independent of where it is started. A program with a slash in it is taken from the config file's
 * folder, and so is each argument that names a file there; a program without a slash is left to `PATH`, and an option
 * (`-x`, `--x=file`) is left alone.
 *
 * @param cmd - Program and arguments, as configured.
 * @param configDir - Absolute folder of the configuration.
 */
export function resolveCommand(cmd: readonly string[], configDir: string): string[] {
  return cmd.map((part, index) => {
    if (part === "" || isAbsolute(part)) return part;
    const absolute = resolve(configDir, part);
    if (index === 0) return part.includes("/") ? absolute : part;
    return !part.startsWith("-") && isFile(absolute) ? absolute : part;
  });
}
