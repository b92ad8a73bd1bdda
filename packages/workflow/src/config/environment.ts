const VARIABLE = /\$(\$?)\{([^}]*)(\}?)/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What is wrong in a value with `${NAME}`: a name that is none, or a variable that is not set. */
export type EnvironmentProblem =
  | { readonly kind: "syntax"; readonly text: string }
  | { readonly kind: "missing"; readonly name: string };

/**
 * Replaces each `${NAME}` by the variable's value; `$${` stands for `${` itself. Nothing else of a shell is known.
 *
 * @returns The value, or the first problem.
 */
export function expandVariables(
  text: string,
  environment: Environment,
): { readonly value: string } | { readonly problem: EnvironmentProblem } {
  let problem: EnvironmentProblem | undefined;
  const value = text.replace(VARIABLE, (whole, escaped: string, name: string, end: string) => {
    if (escaped !== "") return whole.slice(1);
    if (end === "" || !NAME.test(name)) {
      problem ??= { kind: "syntax", text: whole };
      return whole;
    }
    const found = environment[name];
    if (found === undefined) problem ??= { kind: "missing", name };
    return found ?? "";
  });
  return problem === undefined ? { value } : { problem };
}
