import { Compass } from 'lucide-react';
import { Link } from 'react-router';
import { Button } from '../../ui/button.tsx';
import { PageHeader } from '../../ui/page.tsx';
import { EmptyState } from '../../ui/states.tsx';

export function NotFoundPage() {
  return (
    <>
      <PageHeader title="Page not found" />
      <EmptyState icon={Compass} title="There is nothing at this address">
        <p className="mb-5">It may have moved, or the link may be mistyped.</p>
        <Button asChild>
          <Link to="/settings/api-keys">Go to API Keys</Link>
        </Button>
      </EmptyState>
    </>
  );
}
