/** A type of file that is damaged: made by its real writer, read by its real reader. */
export interface DamagedFile {
  readonly name: string;
  /** What is promised, in one sentence. */
  readonly promise: string;
  /** The codes with which its reader may refuse. */
  readonly refusals: RegExp;
  /**
   * What becomes of a value that is another one and that nobody tells of: `bad`, or, for what a format without a checksum cannot know,
   * `another`: it is counted, as long as it has a valid shape.
   */
  readonly otherValue: "bad" | "another";
  /** The name of the member that holds the checksum: what takes it away as well, and is more than a bit, a byte or a cut, is `another` too. */
  readonly seal?: string;
  /** Makes a whole file in an empty folder. */
  readonly prepare: (folder: string) => Promise<PreparedFile>;
}

/** A whole file, and who looks at it. Each look is that of a program that has just been started. */
export interface PreparedFile {
  readonly whole: Buffer;
  /** Puts bytes in the place of the file. */
  readonly put: (bytes: Buffer) => void | Promise<void>;
  /** Reads it as programs do: a value, or an error with a code. */
  readonly read: () => Promise<unknown>;
  /** What `holdfast verify` has to tell; what it tells of the whole file does not count. */
  readonly verify?: () => Promise<readonly string[]>;
  /** The bytes as they are after that; a reader that changed them is bad. */
  readonly left?: () => Buffer;
  readonly close?: () => Promise<void>;
}

/** What came of damaging a type of file. */
export interface DamageResult {
  readonly name: string;
  readonly promise: string;
  readonly samples: number;
  /** Refused with a code, or told by a check. */
  readonly detected: number;
  /** Read as if nothing had been changed: what was changed says nothing, or was mended. */
  readonly withoutEffect: number;
  /** Read as another value of a valid shape, where the format holds nothing that could tell. */
  readonly another: number;
  /** The story of the first bad sample. */
  readonly problem?: string;
}
