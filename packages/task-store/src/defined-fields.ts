/** A copy of a record without the fields that are `undefined`: in a document a field is there or it is not. */
export function definedFields<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}
