import { type RestRoute, restRoutes } from '@kaana/api';

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const access = (route: RestRoute): string => {
  if (route.access === 'public') return 'no key needed';
  return route.access === 'authenticated' ? 'any key' : `<code>${escapeHtml(route.access)}</code>`;
};

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 2rem 1rem; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
pre { padding: 1rem; background: #8882; border-radius: .5rem; overflow-x: auto; }
.method { font-weight: 600; }`;

/** A page for people, out of the same metadata as the OpenAPI document; no script, nothing from elsewhere. */
export const referencePage = (origin: string): string => {
  const rows = restRoutes().map(
    (route) => `<tr><td class="method">${route.method}</td><td><code>/api${escapeHtml(route.path)}</code></td>
<td>${escapeHtml(route.summary)}</td><td>${access(route)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kaana API reference</title><style>${STYLE}</style></head><body>
<h1>Kaana API</h1>
<p>Send your API key with every request. Create one in the admin app under <strong>Settings &gt; API Keys</strong>.</p>
<pre>curl -X GET "${escapeHtml(origin)}/api/projects" \\
  -H "Authorization: Bearer YOUR_API_KEY" \\
  -H "Content-Type: application/json"</pre>
<p>Inputs and answers are described by the OpenAPI 3.1 document at <a href="/api/openapi.json">/api/openapi.json</a>.
Errors are <code>application/problem+json</code> (RFC 9457) with a stable <code>code</code>.
A list answers <code>{"data": [...], "nextCursor": ...}</code>: pass <code>nextCursor</code> as <code>cursor</code> for the next page.</p>
<table><thead><tr><th>Method</th><th>Address</th><th>What it does</th><th>Needs</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></body></html>`;
};
