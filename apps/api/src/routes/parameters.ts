import * as z from "zod";

/** An id in a path: anything that may name a folder of a store; what is none names nothing. */
export const pathIdSchema = z
  .string()
  .min(1, "is empty")
  .max(256, "is longer than 256 characters")
  // oxlint-disable-next-line no-control-regex -- these are what is refused
  .regex(/^(?!\.)[^/\\\u0000-\u001f\u007f]+$/, "is no id");

/** How many items a page may have. */
export const limitSchema = (most: number, preset: number): z.ZodDefault<z.ZodNumber> =>
  z
    .int(`must be a whole number from 1 to ${most}`)
    .min(1, `must be a whole number from 1 to ${most}`)
    .max(most, `must be a whole number from 1 to ${most}`)
    .default(preset)
    .describe("How many items a page has at most");

/** Where the next page starts. */
export const nextCursorSchema = z
  .string()
  .nullable()
  .describe("Give it as `cursor` to get the next page; null when there is none");

/** One of a few words. */
export function wordSchema<const T extends readonly [string, ...string[]]>(words: T, what: string) {
  return z.enum(words, { error: `must be one of ${words.join(", ")}` }).describe(what);
}
