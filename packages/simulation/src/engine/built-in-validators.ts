import type { Json } from "@holdfast/storage";
import * as z from "zod";
import type { PartConfig } from "../config/schema.ts";
import type { Validator } from "./engine.ts";

/** A validator of this package, with what it takes. */
export interface BuiltInValidator {
  readonly schema: z.ZodObject;
  readonly create: (parameters: PartConfig) => Validator;
}

const alwaysValidSchema = z.strictObject({ type: z.literal("always_valid") });

const boundsSchema = z.strictObject({
  type: z.literal("bounds"),
  fields: z
    .record(z.string().min(1), z.strictObject({ min: z.number().optional(), max: z.number().optional() }))
    .describe("Bounds of numbers in a decision, by name; parts of a name are joined by dots"),
});

const schemaSchema = z.strictObject({
  type: z.literal("schema"),
  schema: z
    .record(z.string(), z.unknown())
    .refine((schema) => schemaOf(schema) !== undefined, "must be a JSON Schema")
    .describe("A JSON Schema that every decision must keep"),
});

function schemaOf(schema: Readonly<Record<string, unknown>>): z.ZodType | undefined {
  try {
    return z.fromJSONSchema(schema);
  } catch {
    return undefined;
  }
}

function fieldOf(decision: Json, name: string): unknown {
  let value: unknown = decision;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function boundsValidator(parameters: PartConfig): Validator {
  const { fields } = boundsSchema.parse(parameters);
  return {
    validate(decision) {
      for (const [name, { min = -Infinity, max = Infinity }] of Object.entries(fields)) {
        const value = fieldOf(decision, name);
        // A decision without the number decides nothing that is bounded.
        if (value === undefined) continue;
        if (typeof value !== "number") return { valid: false, reason: `${name} must be a number` };
        if (value < min) return { valid: false, reason: `${name} is ${value}, below ${min}` };
        if (value > max) return { valid: false, reason: `${name} is ${value}, above ${max}` };
      }
      return true;
    },
  };
}

function schemaValidator(parameters: PartConfig): Validator {
  const schema = z.fromJSONSchema(schemaSchema.parse(parameters).schema);
  return {
    validate(decision) {
      const parsed = schema.safeParse(decision);
      if (parsed.success) return true;
      const [issue] = parsed.error.issues;
      const place = issue?.path.join(".") ?? "";
      return { valid: false, reason: `${place === "" ? "" : `${place}: `}${issue?.message ?? "not valid"}` };
    },
  };
}

/** The validators a config may name by `type`. */
export const BUILT_IN_VALIDATORS: ReadonlyMap<string, BuiltInValidator> = new Map([
  ["always_valid", { schema: alwaysValidSchema, create: () => ({ validate: () => true }) }],
  ["bounds", { schema: boundsSchema, create: boundsValidator }],
  ["schema", { schema: schemaSchema, create: schemaValidator }],
]);
