import { WEBHOOK_EVENT_TYPES } from '@kaana/core';
import type { TRPCRouterRecord } from '@trpc/server';
import { z } from 'zod';
import {
  Webhook,
  WebhookCreateInput,
  WebhookDelivery,
  WebhookDeliveryListInput,
  WebhookDeliveryListOutput,
  WebhookIdInput,
  WebhookListOutput,
  WebhookResendInput,
  WebhookRotateInput,
  WebhookUpdateInput,
  WebhookWithSecret,
} from '../contracts/webhooks.ts';
import { procedure } from '../trpc.ts';
import { toDelivery, toOneWebhook, toWebhooks } from '../webhooks.ts';
import { defined, pageQuery, toPage } from '../wire.ts';

/** In the order of the table, each once, so that the same set is no change. */
const inOrder = <Events extends readonly string[] | null | undefined>(events: Events) =>
  events && WEBHOOK_EVENT_TYPES.filter((type) => events.includes(type));

export const webhooksRouter = {
  list: procedure('organization:write', {
    method: 'GET',
    path: '/webhooks',
    summary: 'List webhooks, newest first',
  })
    .output(WebhookListOutput)
    .query(async ({ ctx }) => ({
      data: await toWebhooks(ctx.domain, await ctx.domain.webhooks.list(ctx.principal)),
      nextCursor: null,
    })),

  create: procedure('organization:write', {
    method: 'POST',
    path: '/webhooks',
    status: 201,
    summary: 'Create a webhook; its secret is in this answer and nowhere else',
  })
    .input(WebhookCreateInput)
    .output(WebhookWithSecret)
    .mutation(async ({ ctx, input }) => {
      const { webhook, secret } = await ctx.domain.webhooks.create(ctx.caller, {
        ...input,
        events: inOrder(input.events),
      });
      return { webhook: await toOneWebhook(ctx.domain, webhook), secret };
    }),

  update: procedure('organization:write', {
    method: 'PATCH',
    path: '/webhooks/{id}',
    summary: 'Change, disable or enable a webhook',
  })
    .input(WebhookUpdateInput)
    .output(Webhook)
    .mutation(async ({ ctx, input: { id, events, ...fields } }) => {
      const change = { ...defined(fields), ...(events === undefined ? {} : { events: inOrder(events) }) };
      return toOneWebhook(ctx.domain, await ctx.domain.webhooks.update(ctx.caller, id, change));
    }),

  delete: procedure('organization:write', {
    method: 'DELETE',
    path: '/webhooks/{id}',
    summary: 'Delete a webhook, and what was on its way to it',
  })
    .input(WebhookIdInput)
    .output(z.object({ id: z.string(), deleted: z.literal(true) }))
    .mutation(async ({ ctx, input }) => {
      await ctx.domain.webhooks.delete(ctx.caller, input.id);
      return { id: input.id, deleted: true };
    }),

  rotateSecret: procedure('organization:write', {
    method: 'POST',
    path: '/webhooks/{id}/rotate-secret',
    summary: 'Give a webhook a new secret; the old one signs too, for the overlap',
  })
    .input(WebhookRotateInput)
    .output(WebhookWithSecret)
    .mutation(async ({ ctx, input: { id, overlapSeconds } }) => {
      const { webhook, secret } = await ctx.domain.webhooks.rotateSecret(ctx.caller, id, overlapSeconds);
      return { webhook: await toOneWebhook(ctx.domain, webhook), secret };
    }),

  test: procedure('organization:write', {
    method: 'POST',
    path: '/webhooks/{id}/test',
    status: 202,
    summary: 'Send a test event to a webhook; the log of deliveries tells what came of it',
  })
    .input(WebhookIdInput)
    .output(WebhookDelivery)
    .mutation(async ({ ctx, input }) => toDelivery(await ctx.domain.webhooks.test(ctx.caller, input.id))),

  deliveries: procedure('organization:write', {
    method: 'GET',
    path: '/webhooks/{id}/deliveries',
    summary: 'What was sent to a webhook in the last 30 days, newest first',
  })
    .input(WebhookDeliveryListInput)
    .output(WebhookDeliveryListOutput)
    .query(async ({ ctx, input: { id, ...page } }) => {
      const found = await ctx.domain.webhooks.deliveries(ctx.principal, id, pageQuery(page));
      return toPage(found.map(toDelivery), page.limit);
    }),

  resend: procedure('organization:write', {
    method: 'POST',
    path: '/webhooks/{id}/deliveries/{deliveryId}/resend',
    status: 202,
    summary: 'Send a message to a webhook again',
  })
    .input(WebhookResendInput)
    .output(WebhookDelivery)
    .mutation(async ({ ctx, input }) =>
      toDelivery(await ctx.domain.webhooks.resend(ctx.caller, input.id, input.deliveryId)),
    ),
} satisfies TRPCRouterRecord;
