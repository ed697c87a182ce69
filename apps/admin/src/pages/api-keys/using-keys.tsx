import { Card } from '../../ui/card.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';

const TIPS = [
  'Keep keys in a secrets manager or in environment variables; never in source code, e-mail or chat.',
  'Give every integration a key of its own, limited to what it needs, so that it can be revoked alone.',
  'Replace keys from time to time, and revoke the ones that nobody uses any more.',
];

/** How to call the API with a key, for those who have one already. */
export function UsingKeys() {
  return (
    <Card title="Using a key" description="Send it in the Authorization header of every request.">
      <div className="grid gap-6 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-3">
          <CodeBlock code="Authorization: Bearer YOUR_API_KEY" what="Header" />
          <p className="text-[0.8125rem] text-ink-muted">
            Not working? Try the key at <code className="font-mono">{window.location.origin}/api/user</code>.
            If that answers with your name, the key is fine, and the other address is the problem. If not, the
            error says why.
          </p>
        </div>
        <ul className="flex list-disc flex-col gap-2 pl-4 text-[0.8125rem] text-ink-muted">
          {TIPS.map((tip) => (
            <li key={tip}>{tip}</li>
          ))}
        </ul>
      </div>
    </Card>
  );
}
