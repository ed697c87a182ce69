import { useSearchParams } from 'react-router';

/** Whether `?NAME` is in the address, so that an open dialog can be linked to; and a way to put it there and away. */
export const useOpenByAddress = (name: string): readonly [boolean, (open: boolean) => void] => {
  const [parameters, setParameters] = useSearchParams();
  const set = (open: boolean) =>
    setParameters(
      (previous) => {
        const next = new URLSearchParams(previous);
        if (open) next.set(name, '');
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  return [parameters.has(name), set];
};
