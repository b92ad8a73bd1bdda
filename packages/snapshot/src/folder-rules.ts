import { IgnoreRules } from "./ignore-rules.ts";
import { readRules } from "./list-folder.ts";

/** The rules of a folder, read only when somebody asks: in a tree that did not change nobody does. */
export class FolderRules {
  readonly #resolve: () => IgnoreRules;
  #rules: IgnoreRules | undefined;

  private constructor(resolve: () => IgnoreRules) {
    this.#resolve = resolve;
  }

  /** Rules that are known. */
  static of(rules: IgnoreRules): FolderRules {
    return new FolderRules(() => rules);
  }

  /** The rules of a folder below, whose own file will be read. */
  withFile(folder: string, file: string): FolderRules {
    return new FolderRules(() => {
      const text = readRules(file)?.text;
      return text === undefined ? this.rules : this.rules.with(folder, text);
    });
  }

  /** The rules of a folder below, whose own file has been read. */
  withText(folder: string, text: string): FolderRules {
    return new FolderRules(() => this.rules.with(folder, text));
  }

  get rules(): IgnoreRules {
    this.#rules ??= this.#resolve();
    return this.#rules;
  }
}
