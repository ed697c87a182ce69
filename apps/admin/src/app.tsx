import { lazy, Suspense } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { RequireSession } from './session.tsx';
import { LoadingPage } from './ui/full-page.tsx';

const AppLayout = lazy(() => import('./layout/app-layout.tsx').then((m) => ({ default: m.AppLayout })));
const SignInPage = lazy(() => import('./pages/sign-in/page.tsx').then((m) => ({ default: m.SignInPage })));
const ApiKeysPage = lazy(() => import('./pages/api-keys/page.tsx').then((m) => ({ default: m.ApiKeysPage })));
const ApiKeyPage = lazy(() => import('./pages/api-key/page.tsx').then((m) => ({ default: m.ApiKeyPage })));
const ProjectsPage = lazy(() =>
  import('./pages/projects/page.tsx').then((m) => ({ default: m.ProjectsPage })),
);
const MembersPage = lazy(() => import('./pages/members/page.tsx').then((m) => ({ default: m.MembersPage })));
const UsagePage = lazy(() => import('./pages/usage/page.tsx').then((m) => ({ default: m.UsagePage })));
const AuditLogPage = lazy(() =>
  import('./pages/audit-log/page.tsx').then((m) => ({ default: m.AuditLogPage })),
);
const OrganizationPage = lazy(() =>
  import('./pages/organization/page.tsx').then((m) => ({ default: m.OrganizationPage })),
);
const WebhooksPage = lazy(() =>
  import('./pages/webhooks/page.tsx').then((m) => ({ default: m.WebhooksPage })),
);
const WebhookPage = lazy(() =>
  import('./pages/webhooks/webhook-page.tsx').then((m) => ({ default: m.WebhookPage })),
);
const ReferencePage = lazy(() =>
  import('./pages/reference/page.tsx').then((m) => ({ default: m.ReferencePage })),
);
const AccountPage = lazy(() => import('./pages/account/page.tsx').then((m) => ({ default: m.AccountPage })));
const NotFoundPage = lazy(() =>
  import('./pages/not-found/page.tsx').then((m) => ({ default: m.NotFoundPage })),
);

const signedIn = (
  <RequireSession>
    <AppLayout />
  </RequireSession>
);

export function App() {
  return (
    <Suspense fallback={<LoadingPage />}>
      <Routes>
        <Route path="/sign-in" element={<SignInPage />} />
        <Route element={signedIn}>
          <Route index element={<Navigate to="/settings/api-keys" replace />} />
          <Route path="/settings" element={<Navigate to="/settings/api-keys" replace />} />
          <Route path="/settings/api-keys" element={<ApiKeysPage />} />
          <Route path="/settings/api-keys/:id" element={<ApiKeyPage />} />
          <Route path="/settings/organization" element={<OrganizationPage />} />
          <Route path="/settings/webhooks" element={<WebhooksPage />} />
          <Route path="/settings/webhooks/:id" element={<WebhookPage />} />
          <Route path="/settings/account" element={<AccountPage />} />
          <Route path="/projects" element={<ProjectsPage />} />
          <Route path="/members" element={<MembersPage />} />
          <Route path="/usage" element={<UsagePage />} />
          <Route path="/reference" element={<ReferencePage />} />
          <Route path="/audit-log" element={<AuditLogPage />} />
          <Route path="*" element={<NotFoundPage />} />
        </Route>
      </Routes>
    </Suspense>
  );
}
