import { Toaster as Sonner } from 'sonner';
import { useTheme } from '../theme.ts';

export function Toaster() {
  return (
    <Sonner
      theme={useTheme()}
      position="bottom-right"
      style={{ fontFamily: 'inherit' }}
      toastOptions={{
        style: {
          background: 'var(--surface)',
          color: 'var(--ink)',
          borderColor: 'var(--line)',
          fontFamily: 'inherit',
          pointerEvents: 'auto',
        },
      }}
    />
  );
}
