import { userInfo } from "node:os";

/** Who does something with a job: the name that was given, or that of the user. */
export function personOf(given: string | undefined): string {
  if (given !== undefined && given !== "") return given;
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list, as in some containers.
    return process.env["USER"] ?? "unknown";
  }
}
