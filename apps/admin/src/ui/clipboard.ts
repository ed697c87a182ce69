/**
 * Over plain HTTP, other than on localhost, browsers have no `navigator.clipboard`: then the old command does it.
 * `near`: the text area for it must be inside an open dialog, which would take the focus back otherwise.
 */
export const copyText = async (text: string, near: Element | null): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text, near?.closest('[role="dialog"]') ?? document.body);
  }
};

const copyByCommand = (text: string, parent: Element): boolean => {
  const area = document.createElement('textarea');
  area.value = text;
  area.readOnly = true;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  const focused = document.activeElement;
  parent.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return copied;
};
