/** Lines that work as they are: paste, run, see an answer. */
export type Snippet = {
  readonly value: 'curl' | 'javascript' | 'python' | 'typescript';
  readonly label: string;
  readonly code: string;
};

/** What an example asks for: a key that may not read projects gets one that it may run. */
export type Example = 'projects' | 'user';

/** The variable that the example programs and the downloaded file agree on. */
export const VARIABLE = 'KAANA_API_KEY';

export const snippets = (origin: string, example: Example, token: string): readonly Snippet[] => {
  const url = `${origin}/api/${example}`;
  return [
    {
      value: 'curl',
      label: 'cURL',
      code: [
        `curl -X GET "${url}" \\`,
        `  -H "Authorization: Bearer ${token}" \\`,
        `  -H "Content-Type: application/json"`,
      ].join('\n'),
    },
    {
      value: 'javascript',
      label: 'JavaScript',
      code: [
        `const response = await fetch('${url}', {`,
        `  headers: {`,
        `    'Authorization': 'Bearer ${token}',`,
        `    'Content-Type': 'application/json',`,
        `  },`,
        `});`,
        ``,
        `console.log(await response.json());`,
      ].join('\n'),
    },
    {
      value: 'python',
      label: 'Python',
      code: [
        `import requests`,
        ``,
        `headers = {`,
        `    'Authorization': 'Bearer ${token}',`,
        `    'Content-Type': 'application/json',`,
        `}`,
        ``,
        `response = requests.get('${url}', headers=headers)`,
        `print(response.json())`,
      ].join('\n'),
    },
    {
      value: 'typescript',
      label: 'TypeScript client',
      code: [
        `import { createKaanaClient } from '@kaana/client';`,
        ``,
        `const kaana = createKaanaClient({`,
        `  url: '${origin}',`,
        `  apiKey: '${token}',`,
        `});`,
        ``,
        `console.log(await kaana.${example === 'projects' ? 'projects.list' : 'user.me'}.query());`,
      ].join('\n'),
    },
  ];
};

/** A line that programs read variables from. */
export const envFile = (token: string): string => `${VARIABLE}=${token}\n`;

/** A file's name out of a key's: "Zapier Integration" is zapier-integration.env. */
export const envFileName = (name: string): string => {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return `${slug || 'api-key'}.env`;
};
