export { checksum, crc32 } from './checksum.ts';
export {
  type FoundToken,
  findTokens,
  mintToken,
  type ParsedToken,
  PREFIX,
  parseToken,
  redactTokens,
  TOKEN_LENGTH,
  TOKEN_PATTERN,
  tokenStart,
} from './token.ts';
