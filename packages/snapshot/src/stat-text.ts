/** Writes times of files as timestamps; the digits of a second are made once for the files that share it. */
export class FileTimes {
  #second = Number.NaN;
  #text = "";

  /** RFC 3339 in UTC with six fraction digits, from whole microseconds since 1970. */
  of(microseconds: number): string {
    const second = Math.floor(microseconds / 1_000_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = secondText(second);
    }
    return `${this.#text}.${String(microseconds - second * 1_000_000).padStart(6, "0")}Z`;
  }
}

/** Years that a timestamp cannot hold are moved to the nearest it can. */
function secondText(second: number): string {
  const held = Math.min(Math.max(second, -62_135_596_800), 253_402_300_799);
  return new Date(held * 1000).toISOString().slice(0, 19);
}

const MODES: readonly string[] = Array.from(
  { length: 0o1000 },
  (_, mode) => `0${mode.toString(8).padStart(3, "0")}`,
);

/** Permission bits as octal digits, such as `0644`. */
export function modeText(mode: number): string {
  return MODES[mode & 0o777] ?? "0000";
}
