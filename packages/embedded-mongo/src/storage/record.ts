/** A stored document: where it lies and its BSON. */
export interface Row {
  id: string;
  bytes: Buffer;
}

export const RECORD_BYTES = 6;

/** A record's number as a key, so that keys are in the order of numbers. */
export function recordText(id: number): string {
  const bytes = Buffer.allocUnsafe(RECORD_BYTES);
  bytes.writeUIntBE(id, 0, RECORD_BYTES);
  return bytes.toString('latin1');
}

export function recordNumber(text: string): number {
  return Buffer.from(text, 'latin1').readUIntBE(0, RECORD_BYTES);
}
