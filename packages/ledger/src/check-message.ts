import { LedgerError } from "./errors.ts";
import { type Message, messageSchema } from "./message.ts";

/** What a ledger adds to a line; a message cannot bring it along. */
const RESERVED = ["fence", "chain", "agent_seq"] as const;

/** The message in a value, defaults filled in; `LEDGER_MESSAGE` says what is wrong with it. */
export function checkMessage(value: unknown, action: string): Message {
  const parsed = messageSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue === undefined || issue.path.length === 0 ? "$" : `$.${issue.path.join(".")}`;
    const more = parsed.error.issues.length > 1 ? ` (and ${parsed.error.issues.length - 1} more)` : "";
    throw new LedgerError(
      "LEDGER_MESSAGE",
      `Cannot ${action} message: "${path}": ${issue?.message ?? "not a message"}${more}`,
      {
        path,
        cause: parsed.error,
      },
    );
  }
  for (const name of RESERVED) {
    if (Object.hasOwn(parsed.data, name)) {
      throw new LedgerError(
        "LEDGER_MESSAGE",
        `Cannot ${action} message: "$.${name}": the ledger itself adds this field; name yours differently`,
        {
          path: `$.${name}`,
        },
      );
    }
  }
  return parsed.data;
}

/** Refuses a key that no copy of an object would keep. `text` is what `JSON.stringify` gives, where a quote ends a name for sure. */
export function refuseProtoKey(text: string, action: string): void {
  if (!text.includes('"__proto__":')) return;
  throw new LedgerError(
    "LEDGER_MESSAGE",
    `Cannot ${action} message: it has a key "__proto__", which programs drop silently; name it differently`,
    {
      path: "$",
    },
  );
}
