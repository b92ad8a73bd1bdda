/** What is told of a run: as data, and as text for a person. */
export interface Told {
  readonly document: unknown;
  readonly text: string;
}
