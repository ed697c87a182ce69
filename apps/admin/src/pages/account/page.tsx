import { PERMISSION_TEXT, ROLE_TEXT } from '../../permissions.ts';
import { useUser } from '../../session.tsx';
import { setTheme, type Theme, useTheme } from '../../theme.ts';
import { Card, Facts } from '../../ui/card.tsx';
import { RadioGroup } from '../../ui/choice.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { PasswordForm } from './password-form.tsx';
import { Sessions } from './sessions.tsx';

export function AccountPage() {
  const user = useUser();
  return (
    <>
      <PageHeader title="Account" description="Who you are here, your password, and how this app looks." />
      <Stack>
        <Card title="Profile">
          <Facts
            rows={[
              ['Name', user.name],
              ['E-mail', user.email],
              ['Organization', user.organization.name],
              ['Role', ROLE_TEXT[user.role].label],
              [
                'You may',
                <ul key="permissions" className="flex flex-col gap-0.5">
                  {user.permissions.map((permission) => (
                    <li key={permission}>{PERMISSION_TEXT[permission]}</li>
                  ))}
                </ul>,
              ],
            ]}
          />
        </Card>
        <Card
          title="Password"
          description="Changing it signs you out everywhere else. Your API keys go on working."
        >
          <PasswordForm />
        </Card>
        <Sessions />
        <Card title="Appearance">
          <div className="max-w-md">
            <ThemeChoice />
          </div>
        </Card>
      </Stack>
    </>
  );
}

function ThemeChoice() {
  return (
    <RadioGroup<Theme>
      label="Theme"
      value={useTheme()}
      onChange={setTheme}
      options={[
        { value: 'system', label: 'System', hint: 'Follows your device' },
        { value: 'light', label: 'Light' },
        { value: 'dark', label: 'Dark' },
      ]}
    />
  );
}
