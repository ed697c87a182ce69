export { type DirectCall, directCall, type Procedure } from './call.ts';
export { type Context, type Credential, credentialOf, type ResponseState } from './context.ts';
export { KeyImport, toKeyToImport } from './contracts/import.ts';
export { GithubReport, GithubVerdicts } from './contracts/leaks.ts';
export { kaanaErrorOf, problemOf, requestIds, toTrpcError } from './errors.ts';
export { openApiDocument } from './openapi.ts';
export { proceduresOf, type RestMeta, type RestRequest, type RestRoute, restRoutes } from './rest.ts';
export { type AppRouter, appRouter, createCaller } from './root.ts';
export type { Meta } from './trpc.ts';
