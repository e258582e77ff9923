/**
 * Renumbers the payload types in the block headers of redundant data (RFC 2198 §3), in place: text names its primary and its earlier
 * blocks by numbers of the sender (RFC 4103 §4.2).
 *
 *      0                   1                    2                   3
 *     |F|   block PT  |  timestamp offset         |   block length    |
 *     |0|   block PT  |
 *
 * @param numbers the other party's number for each of the sender's, -1 for none.
 * @returns false when a number has no counterpart or the headers run past `end`; the packet is not to be sent then.
 */
export const renumberRedundancy = (packet: Uint8Array, start: number, end: number, numbers: Int16Array): boolean => {
  for (let at = start; at < end; at += 4) {
    const first = packet[at]!
    const number = numbers[first & 0x7f]!
    if (number < 0) return false
    packet[at] = (first & 0x80) | number
    if (first < 0x80) return true
  }
  return false
}
