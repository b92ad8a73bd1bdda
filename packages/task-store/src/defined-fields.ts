/** A copy of a record without the fields that are `undefined`: in a document a field is there or it is not. */
export function definedFields<T extends object>(record: T): T {
  const copy = { ...record };
  for (const name of Object.keys(copy)) {
    if (Reflect.get(copy, name) === undefined) Reflect.deleteProperty(copy, name);
  }
  return copy;
}
