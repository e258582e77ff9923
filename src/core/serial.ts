/** Serial-number arithmetic (RFC 1982) on 16 and 32 bits: 0 follows the largest number. */

/** Signed distance from `from` to `to` on 16 bits: positive when `to` is newer. */
export const distance16 = (from: number, to: number): number => ((to - from) << 16) >> 16

/** Signed distance from `from` to `to` on 32 bits: positive when `to` is newer. */
export const distance32 = (from: number, to: number): number => (to - from) | 0

/** True when `a` is newer than `b` on 16 bits. */
export const newer16 = (a: number, b: number): boolean => distance16(b, a) > 0

/** True when `a` is newer than `b` on 32 bits. */
export const newer32 = (a: number, b: number): boolean => distance32(b, a) > 0
