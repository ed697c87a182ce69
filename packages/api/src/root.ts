import { auditRouter } from './routers/audit.ts';
import { keysRouter } from './routers/keys.ts';
import { membersRouter } from './routers/members.ts';
import { organizationRouter } from './routers/organization.ts';
import { projectsRouter } from './routers/projects.ts';
import { sessionRouter } from './routers/session.ts';
import { usageRouter } from './routers/usage.ts';
import { userRouter } from './routers/user.ts';
import { webhooksRouter } from './routers/webhooks.ts';
import { createCallerFactory, router } from './trpc.ts';

export const appRouter = router({
  audit: auditRouter,
  keys: keysRouter,
  members: membersRouter,
  organization: organizationRouter,
  projects: projectsRouter,
  session: sessionRouter,
  usage: usageRouter,
  user: userRouter,
  webhooks: webhooksRouter,
});

export type AppRouter = typeof appRouter;

/** Calls the procedures in this process, without HTTP. */
export const createCaller = createCallerFactory(appRouter);
