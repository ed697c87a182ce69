import { useState } from 'react';

/** What had the focus when the dialog appeared; for an entry of a menu, which is about to go, the menu's button. */
const findOpener = (): HTMLElement | null => {
  const { activeElement } = document;
  if (!(activeElement instanceof HTMLElement)) return null;
  const menu = activeElement.closest('[role="menu"]');
  return menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : activeElement;
};

/**
 * For a dialog that is mounted when it opens: gives the focus back when it closes, to the page's content where the
 * opener is gone by then, or can no longer be used.
 */
export const useReturnFocus = (): ((event: Event) => void) => {
  const [opener] = useState(findOpener);
  return (event) => {
    event.preventDefault();
    const isUsable = opener?.isConnected && opener !== document.body && !opener.matches(':disabled');
    const target = isUsable ? opener : document.getElementById('content');
    target?.focus();
  };
};
