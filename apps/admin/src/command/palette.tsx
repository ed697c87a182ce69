import { useQuery } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { useNavigate } from 'react-router';
import { keyPath } from '../pages/api-keys/key-path.ts';
import { useUser } from '../session.tsx';
import { trpc } from '../trpc.ts';
import { CommandDialog } from '../ui/command-dialog.tsx';
import { COMMANDS, type Command, matches } from './commands.tsx';

const SHOWN_KEYS = 6;
const MIN_SEARCH = 2;
const LONGEST_SEARCH = 100;
/** A whole key that is pasted here is no text to search for. */
const TOKEN = /kaana_[0-9A-Za-z]{38}/g;

/** Ctrl+K: pages, actions, and every key by its name or its start. */
export function Palette({ onClose }: { onClose: () => void }) {
  const { permissions } = useUser();
  const navigate = useNavigate();
  const [typed, setTyped] = useState('');
  const search = useDeferredValue(typed.trim().slice(0, LONGEST_SEARCH));
  const keys = useQuery(
    trpc.keys.list.queryOptions(
      { search, limit: SHOWN_KEYS, sort: 'name' },
      {
        enabled: search.length >= MIN_SEARCH && permissions.includes('keys:read'),
        placeholderData: (previous) => previous,
        staleTime: 10_000,
      },
    ),
  );
  const commands = useMemo((): readonly Command[] => {
    const allowed = COMMANDS.filter(({ needs }) => needs === undefined || permissions.includes(needs));
    const found = typed.trim().length >= MIN_SEARCH ? (keys.data?.data ?? []) : [];
    return [
      ...found.map(
        (key): Command => ({
          id: key.id,
          group: 'Keys',
          label: key.name,
          hint: `${key.start}… · ${key.status}`,
          icon: KeyRound,
          to: keyPath(key.id),
        }),
      ),
      ...allowed.filter((command) => matches(command, typed)),
    ];
  }, [permissions, typed, keys.data]);

  return (
    <CommandDialog
      title="Commands"
      placeholder="Search keys, pages and actions"
      typed={typed}
      onType={(text) => setTyped(text.replace(TOKEN, (token) => token.slice(0, 12)))}
      options={commands}
      empty={keys.isFetching ? 'Searching…' : 'Nothing matches.'}
      onClose={onClose}
      onChoose={(command) => {
        onClose();
        if ('to' in command) void navigate(command.to);
        else command.run();
      }}
    />
  );
}
