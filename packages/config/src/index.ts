export { type ConfigKind, configKind } from "./config-kind.ts";
export { ConfigError, type ConfigErrorCode, type ConfigIssue } from "./errors.ts";
export { nearestName } from "./nearest-name.ts";
export { type ConfigDocument, parseConfig } from "./parse-config.ts";
export { readConfig } from "./read-config.ts";
export {
  type ConfigFinding,
  type ConfigSection,
  configError,
  validateConfig,
  validateSections,
} from "./validate-config.ts";
