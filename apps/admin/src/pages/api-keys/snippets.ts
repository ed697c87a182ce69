/** Lines that work as they are: paste, run, see an answer. */
export type Snippet = {
  readonly value: 'curl' | 'javascript' | 'python';
  readonly label: string;
  readonly code: string;
};

export const snippets = (url: string, token: string): readonly Snippet[] => [
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
];
