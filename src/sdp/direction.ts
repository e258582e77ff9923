import type { Direction } from './negotiated.js'

/** True when this side sends. */
export const sends = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly'

/** True when this side receives. */
export const receives = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly'

/** The direction of a side that sends and receives as said. */
export const directionOf = (send: boolean, receive: boolean): Direction => send ? receive ? 'sendrecv' : 'sendonly' : receive ? 'recvonly' : 'inactive'

/** The same stream as the other side sees it. */
export const reversed = (direction: Direction): Direction => directionOf(receives(direction), sends(direction))

/** What both allow, of one side. */
export const narrowed = (a: Direction, b: Direction): Direction => directionOf(sends(a) && sends(b), receives(a) && receives(b))
