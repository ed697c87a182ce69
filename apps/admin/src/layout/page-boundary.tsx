import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';

/** Catches what a page throws, such as a chunk that a new release has replaced: the rest of the app stays usable. */
export class PageBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="mx-auto flex max-w-lg flex-col items-start gap-4 p-4">
        <Notice tone="danger" role="alert" title="This page could not be shown">
          <p>It may have been updated since you opened the app. Loading it again usually helps.</p>
        </Notice>
        <Button onClick={() => window.location.reload()}>Reload</Button>
      </div>
    );
  }
}
