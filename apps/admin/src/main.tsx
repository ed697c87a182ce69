import './styles.css';
import './trusted-types.ts';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './app.tsx';
import { ConnectionBanner } from './layout/connection-banner.tsx';
import { PageBoundary } from './layout/page-boundary.tsx';
import { queryClient } from './query-client.ts';
import { Toaster } from './ui/toast.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <BrowserRouter>
        <PageBoundary>
          <App />
        </PageBoundary>
      </BrowserRouter>
      <ConnectionBanner />
      <Toaster />
    </QueryClientProvider>
  </StrictMode>,
);
