/** Bounds on what a peer may make us read. */
export const LIMITS = {
  /** Bytes of a message. */
  message: 65_536,
  /** Header fields of a message. */
  headers: 256,
  /** Characters of a start line or of a header field, folds included. */
  line: 8_192,
} as const
