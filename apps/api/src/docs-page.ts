import { createHash } from "node:crypto";
import type { OpenApiDocument } from "./openapi.ts";

const STYLE = `
:root { color-scheme: light dark; --line: #8886; --soft: #8882; --link: light-dark(#0b57d0, #8ab4f8); }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem }
h1 { margin-bottom: .25rem } h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line) } h3 { margin: 0 }
code, pre { font: .875em/1.45 ui-monospace, monospace } pre { background: var(--soft); padding: .75rem; overflow-x: auto; border-radius: 4px }
a { color: var(--link) } nav ul { columns: 18rem; padding-left: 1.2rem } nav li { break-inside: avoid }
section { border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem; margin: 1rem 0 }
section > p { margin: .25rem 0 .75rem } .method { color: light-dark(#146c2e, #6dd58c); font-weight: 600 }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-top: 1px solid var(--soft) }
th { font-weight: 600 } details { margin: .5rem 0 } summary { cursor: pointer }
:target { outline: 2px solid var(--link) }
`;

/** A page that a person can read, and the policy under which a browser shows it: nothing is loaded, nothing runs. */
export interface DocsPage {
  readonly html: string;
  readonly policy: string;
}

/** Makes one page of an OpenAPI document; it needs nothing but itself. */
export function docsPage(document: OpenApiDocument): DocsPage {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    item?.get === undefined ? [] : [{ path, operation: item.get as Operation }],
  );
  const tags = document.tags ?? [];
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(document.info.title)} ${text(document.info.version)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${text(document.info.title)} <small>${text(document.info.version)}</small></h1>
<p>${text(document.info.description ?? "")}</p>
<p>The same for programs: <a href="openapi.json">OpenAPI ${text(document.openapi)}</a>.</p>
<nav aria-label="Requests"><ul>
${operations.map(({ path, operation }) => `<li><a href="#${operation.operationId}"><code>${text(path)}</code></a></li>`).join("\n")}
</ul></nav>
${tags
  .map(
    (tag) => `<h2 id="${text(tag.name)}">${text(tag.name)}</h2>
<p>${text(tag.description ?? "")}</p>
${operations
  .filter(({ operation }) => operation.tags.includes(tag.name))
  .map(({ path, operation }) => operationHtml(path, operation))
  .join("\n")}`,
  )
  .join("\n")}
<h2 id="schemas">Schemas</h2>
${Object.entries(document.components?.schemas ?? {})
  .map(
    ([name, schema]) =>
      `<details id="schema-${text(name)}"><summary><code>${text(name)}</code></summary>${pre(schema)}</details>`,
  )
  .join("\n")}
</body>
</html>
`;
  const hash = createHash("sha256").update(STYLE).digest("base64");
  return {
    html,
    policy: `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  };
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Record<string, unknown>;
}

interface Media {
  readonly schema?: unknown;
  readonly example?: unknown;
}

interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>
  >;
}

function operationHtml(path: string, operation: Operation): string {
  const { parameters = [], responses } = operation;
  return `<section id="${operation.operationId}" aria-labelledby="${operation.operationId}-title">
<h3 id="${operation.operationId}-title"><span class="method">GET</span> <code>${text(path)}</code></h3>
<p><strong>${text(operation.summary)}.</strong> ${text(operation.description)}</p>
${parameters.length === 0 ? "" : parametersHtml(parameters)}
<div class="scroll"><table><thead><tr><th scope="col">Status</th><th scope="col">Answer</th></tr></thead><tbody>
${Object.entries(responses)
  .map(
    ([status, { description, content = {} }]) =>
      `<tr><td>${status}</td><td>${marked(description)}${Object.keys(content)
        .map((type) => ` <code>${text(type)}</code>`)
        .join("")}</td></tr>`,
  )
  .join("\n")}
</tbody></table></div>
${Object.values(responses["200"]?.content ?? {})
  .map(({ example }) => `<details><summary>Example</summary>${pre(example)}</details>`)
  .join("\n")}
</section>`;
}

function parametersHtml(parameters: readonly Parameter[]): string {
  return `<div class="scroll"><table><thead><tr><th scope="col">Parameter</th><th scope="col">In</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>
${parameters
  .map(
    (parameter) =>
      `<tr><td><code>${text(parameter.name)}</code>${parameter.required === true ? " *" : ""}</td><td>${text(parameter.in)}</td><td>${typeOf(parameter.schema ?? {})}</td><td>${text(descriptionOf(parameter))}</td></tr>`,
  )
  .join("\n")}
</tbody></table></div>`;
}

function descriptionOf({ description, schema }: Parameter): string {
  const own = schema?.["description"];
  return description ?? (typeof own === "string" ? own : "");
}

function typeOf(schema: Record<string, unknown>): string {
  const { type, items, enum: values, minimum, maximum, default: preset, pattern } = schema;
  if (type === "array") return `list of ${typeOf(items as Record<string, unknown>)}`;
  if (Array.isArray(values)) return values.map((value) => `<code>${text(String(value))}</code>`).join(" ");
  const range =
    minimum === undefined && maximum === undefined ? "" : ` ${bound(minimum)} to ${bound(maximum)}`;
  const instead = preset === undefined ? "" : `, default ${text(JSON.stringify(preset))}`;
  return `${text(typeof type === "string" ? type : "any")}${pattern === undefined ? "" : " (by pattern)"}${text(range)}${instead}`;
}

function bound(value: unknown): string {
  return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER ? String(value) : "any";
}

function pre(value: unknown): string {
  const shown = typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
  return `<pre>${text(shown)}</pre>`;
}

/** Text with `code` in it. */
function marked(value: string): string {
  return text(value).replaceAll(/`([^`]*)`/g, "<code>$1</code>");
}

function text(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
