import { cpSync, rmSync } from "node:fs";
import { afterAll } from "vitest";
import { Place } from "./command.ts";

/**
 * Called at the top of a test file: gives a function that makes a place, by work that takes long, and after that puts the same place back as it was
 * then, in the same folder. One at a time.
 *
 * @param make - Does the work, the first time the place is asked for.
 */
export function rememberedPlace(name: string, make: (place: Place) => void): () => Place {
  let place: Place | undefined;
  let copy = "";
  afterAll(() => {
    place?.[Symbol.dispose]();
    if (copy !== "") rmSync(copy, { recursive: true, force: true });
  });
  return () => {
    if (place === undefined) {
      const made = new Place(name);
      make(made);
      place = made;
      copy = `${made.dir}-as-made`;
      cpSync(made.dir, copy, { recursive: true, preserveTimestamps: true });
    } else {
      rmSync(place.dir, { recursive: true, force: true });
      cpSync(copy, place.dir, { recursive: true, preserveTimestamps: true });
    }
    return place;
  };
}
