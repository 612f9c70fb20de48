/** Bytes as drivers give them: Buffers, arrays of another kind, or (libsql, where there are many rows) bare memory. */
export type Bytes = Uint8Array | ArrayBuffer

/** The same bytes, not a copy of them. */
export function toBuffer(bytes: Bytes): Buffer {
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes)
}
