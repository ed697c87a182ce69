import { useState } from 'react';
import type { Key } from '../../trpc.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { CreateForm } from './create-form.tsx';
import { IssuedToken } from './issued-token.tsx';

/** First the form, then the token, once. Mounted only while open, so that nothing outlives it. */
export function CreateDialog({ onClose }: { onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [issued, setIssued] = useState<{ key: Key; token: string } | null>(null);
  return (
    <Dialog
      onClose={onClose}
      size={issued ? 'large' : 'medium'}
      dismissable={!busy && !issued}
      title={issued ? `“${issued.key.name}” is ready` : 'Create API key'}
    >
      {issued ? (
        <IssuedToken issued={issued} onDone={onClose} />
      ) : (
        <CreateForm onBusy={setBusy} onIssued={setIssued} onCancel={onClose} />
      )}
    </Dialog>
  );
}
