const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Names a place in a document: `inputs.files[2]`, and `inputs["odd name"]` where a name is not an identifier. */
export function documentPathOf(root: string, parts: readonly (string | number)[]): string {
  let path = root;
  for (const part of parts) {
    if (typeof part === "number") path += `[${part}]`;
    else if (!NAME.test(part)) path += `[${JSON.stringify(part)}]`;
    else path += path === "" ? part : `.${part}`;
  }
  return path;
}
