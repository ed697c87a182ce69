import { PERMISSION_TEXT } from '../../permissions.ts';
import type { Key } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { Card, Facts } from '../../ui/card.tsx';
import { exactTime, Time } from '../../ui/time.tsx';
import { modeText } from '../api-keys/mode.ts';

const codes = (texts: readonly string[]) => (
  <ul className="font-mono text-[0.8125rem]">
    {texts.map((text) => (
      <li key={text}>{text}</li>
    ))}
  </ul>
);

export function KeySettings({ apiKey, onChange }: { apiKey: Key; onChange: (() => void) | null }) {
  return (
    <Card
      title="What it may do"
      actions={
        onChange && (
          <Button size="small" onClick={onChange}>
            Change limits
          </Button>
        )
      }
    >
      <Facts
        rows={[
          [
            'Permissions',
            apiKey.scopes ? (
              <ul key="scopes">
                {apiKey.scopes.map((scope) => (
                  <li key={scope}>
                    {PERMISSION_TEXT[scope]} <code className="font-mono text-xs text-ink-muted">{scope}</code>
                  </li>
                ))}
                {modeText(apiKey.scopesMode) && (
                  <li className="text-[0.8125rem] text-ink-muted">
                    What is beyond: {modeText(apiKey.scopesMode)}
                  </li>
                )}
              </ul>
            ) : (
              'All that its owner may do'
            ),
          ],
          [
            'Allowed addresses',
            apiKey.allowedIps ? (
              <div key="addresses">
                {codes(apiKey.allowedIps)}
                {modeText(apiKey.allowedIpsMode) && (
                  <span className="text-[0.8125rem] text-ink-muted">
                    Others: {modeText(apiKey.allowedIpsMode)}
                  </span>
                )}
              </div>
            ) : (
              'Any'
            ),
          ],
          ['Expires', apiKey.expiresAt ? exactTime(apiKey.expiresAt) : 'Never'],
          ['Owner', `${apiKey.createdBy.name} (${apiKey.createdBy.email})`],
          ['Created', exactTime(apiKey.createdAt)],
          [
            'Last used',
            <span key="used">
              <Time at={apiKey.lastUsedAt} />
              {apiKey.lastUsedIp && ` from ${apiKey.lastUsedIp}`}
              {apiKey.lastUsedUserAgent && (
                <span className="block text-[0.8125rem] text-ink-muted">{apiKey.lastUsedUserAgent}</span>
              )}
            </span>,
          ],
          ...(apiKey.imported
            ? ([
                [
                  'Imported',
                  <span key="imported">
                    {exactTime(apiKey.imported.at)}
                    {apiKey.imported.externalId && `, there ${apiKey.imported.externalId}`}
                    {apiKey.imported.migratedAt
                      ? `, first used here ${exactTime(apiKey.imported.migratedAt)}`
                      : ', not used here yet'}
                  </span>,
                ],
              ] as const)
            : []),
          [
            'Key id',
            <code key="id" className="font-mono text-[0.8125rem]">
              {apiKey.id}
            </code>,
          ],
        ]}
      />
    </Card>
  );
}
