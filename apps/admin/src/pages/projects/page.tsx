import { useInfiniteQuery } from '@tanstack/react-query';
import { FolderClosed } from 'lucide-react';
import { useState } from 'react';
import { Denied } from '../../denied.tsx';
import { Loaded, LoadMore } from '../../loaded.tsx';
import { useCan } from '../../session.tsx';
import { type Project, trpc } from '../../trpc.ts';
import { Button } from '../../ui/button.tsx';
import { PageHeader, Stack } from '../../ui/page.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { Time } from '../../ui/time.tsx';
import { useOpenByAddress } from '../../use-open-by-address.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { ProjectDialog } from './project-dialog.tsx';

const COLUMNS: readonly Column<Project>[] = [
  {
    header: 'Name',
    isRowHeader: true,
    cell: ({ name, description }) => (
      <>
        {name}
        {description && (
          <span className="line-clamp-2 max-w-md text-xs font-normal whitespace-pre-line text-ink-muted">
            {description}
          </span>
        )}
      </>
    ),
  },
  { header: 'Created by', cell: ({ createdBy }) => createdBy?.name ?? 'Kaana' },
  { header: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
  { header: 'Updated', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
];

type Open = { action: 'edit' | 'delete'; project: Project };

export function ProjectsPage() {
  const mayWrite = useCan('projects:write');
  const [open, setOpen] = useState<Open | null>(null);
  const [creating, setCreating] = useOpenByAddress('create');
  const close = () => setOpen(null);
  const list = useInfiniteQuery(
    trpc.projects.list.infiniteQueryOptions({}, { getNextPageParam: (page) => page.nextCursor }),
  );

  return (
    <>
      <PageHeader
        title="Projects"
        description="What your organization works on, and what API keys read and change at /api/projects."
        actions={
          mayWrite && (
            <Button variant="primary" onClick={() => setCreating(true)}>
              New project
            </Button>
          )
        }
      />
      <Stack>
        {!mayWrite && <Denied permission="projects:write" what="change projects" />}
        <Loaded query={list} label="Loading projects">
          {({ pages }) => {
            const projects = pages.flatMap((page) => page.data);
            if (projects.length === 0) {
              return (
                <EmptyState icon={FolderClosed} title="No projects yet">
                  <p>Projects that you or your API keys create appear here.</p>
                </EmptyState>
              );
            }
            return (
              <div>
                <Table
                  caption="Projects"
                  columns={COLUMNS}
                  rows={projects}
                  rowKey={({ id }) => id}
                  actions={
                    mayWrite ? (project) => <RowActions project={project} onOpen={setOpen} /> : undefined
                  }
                />
                <LoadMore list={list} />
              </div>
            );
          }}
        </Loaded>
      </Stack>
      {creating && mayWrite && <ProjectDialog project={null} onClose={() => setCreating(false)} />}
      {open?.action === 'edit' && <ProjectDialog project={open.project} onClose={close} />}
      {open?.action === 'delete' && <DeleteDialog project={open.project} onClose={close} />}
    </>
  );
}

function RowActions({ project, onOpen }: { project: Project; onOpen: (open: Open) => void }) {
  return (
    <>
      <Button
        size="small"
        aria-label={`Edit ${project.name}`}
        onClick={() => onOpen({ action: 'edit', project })}
      >
        Edit
      </Button>
      <Button
        size="small"
        variant="danger-quiet"
        aria-label={`Delete ${project.name}`}
        onClick={() => onOpen({ action: 'delete', project })}
      >
        Delete
      </Button>
    </>
  );
}
