import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { ConfigError } from "./errors.ts";
import { type ConfigDocument, parseConfig } from "./parse-config.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads a config file: YAML 1.2 or JSON, UTF-8, at most 16 MiB.
 *
 * @throws {ConfigError} `CONFIG_MISSING`, `CONFIG_UNREADABLE`, `CONFIG_SYNTAX`.
 */
export function readConfig(path: string): ConfigDocument {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(readBytes(path));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError("CONFIG_SYNTAX", `Cannot read the configuration "${path}": it is not UTF-8 text`, {
      path,
      cause: error,
    });
  }
  return parseConfig(text, path);
}

function readBytes(path: string): Buffer {
  const descriptor = open(path);
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile() || stat.size > MAX_BYTES) {
      const message = stat.isFile() ? `it is larger than ${MAX_BYTES} bytes` : "it is not a file";
      throw new ConfigError("CONFIG_UNREADABLE", `Cannot read the configuration "${path}": ${message}`, {
        path,
      });
    }
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    const isMissing = code === "ENOENT";
    const message = isMissing
      ? "there is no such file; holdfast init makes a commented one"
      : `it cannot be opened (${code})`;
    throw new ConfigError(
      isMissing ? "CONFIG_MISSING" : "CONFIG_UNREADABLE",
      `Cannot read the configuration "${path}": ${message}`,
      { path, cause: error },
    );
  }
}
