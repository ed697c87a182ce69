import { z } from 'zod';

/**
 * What GitHub's secret scanning sends to a partner, and what it takes as an answer:
 * https://docs.github.com/code-security/secret-scanning/secret-scanning-partner-program
 * Fields that it adds one day do not matter.
 */
export const GithubReport = z
  .array(
    z.object({
      token: z.string(),
      type: z.string(),
      url: z.string().nullish(),
      source: z.string().nullish(),
    }),
  )
  .max(20_000);

export const GithubVerdicts = z.array(
  z.object({
    token_hash: z.string().describe('SHA-256 of the token, in hexadecimal'),
    token_type: z.string(),
    label: z.enum(['true_positive', 'false_positive']).describe('Whether the token is one of ours'),
  }),
);
export type GithubVerdicts = z.infer<typeof GithubVerdicts>;
