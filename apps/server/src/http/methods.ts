import { KaanaError } from '@kaana/core';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import { sendProblem } from './errors.ts';

/** 405 for every method but these, before the body is read. GET brings HEAD with it. */
export const refuseOtherMethods = (
  app: FastifyInstance,
  url: string,
  methods: readonly HTTPMethods[],
): void => {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ');
  const refuse = async (request: FastifyRequest, reply: FastifyReply) => {
    reply.header('allow', allow);
    return sendProblem(reply, request, new KaanaError('method_not_allowed', `This address takes ${allow}.`));
  };
  // HEAD goes with GET, to the one or to the other.
  const refused = app.supportedMethods.filter((method) => method !== 'HEAD' && !methods.includes(method));
  app.route({ method: refused, url, onRequest: refuse, handler: refuse });
};
