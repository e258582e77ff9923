/** One load of mload: so many callers of a user part of `bench:serve`. */
export interface MediaLoad {
  readonly what: string
  readonly user: string
  readonly calls: number
  /** Percent of a core that it is to cost at most. */
  readonly goal?: number
  /** Members a room, for `conf-`. */
  readonly room?: number
  /** Only so many of a room say anything; all by default. */
  readonly talkers?: number
  /** Media workers; more than one have the load's core as well. @default 1 */
  readonly workers?: number
  /** The far side of a bridge is needed. */
  readonly far?: boolean
  /** The far side speaks SRTP, which mload does not: it is another `bench:serve`. */
  readonly secure?: boolean
  /** Payloads carry their send time: only where the path leaves them alone. */
  readonly marked?: boolean
}

/** Media legs that a load has. */
export const legsOf = ({ calls, far = false }: MediaLoad): number => far ? 2 * calls : calls

const ECHO = { what: 'echo', user: 'echo', marked: true }
const BRIDGE = { what: 'bridge', user: 'bridge', far: true, marked: true }
const THREES = { what: 'rooms of three', user: 'conf-', room: 3 }
const HUGE = { what: 'one room, five talk, two workers', user: 'conf-', talkers: 5, workers: 2 }
const PROMPT = { what: 'prompt', user: 'play' }

export const LOADS: readonly MediaLoad[] = [
  { ...ECHO, calls: 100, goal: 13 },
  { ...BRIDGE, calls: 100, goal: 22 },
  { what: 'bridge through the mixer', user: 'bridgecore', calls: 100, far: true, goal: 26 },
  { what: 'bridge recorded in stereo', user: 'bridgerec', calls: 100, far: true, marked: true, goal: 26 },
  { ...BRIDGE, what: 'bridge to SRTP', calls: 100, secure: true, goal: 27 },
  { what: 'one room', user: 'conf-', calls: 50, room: 50, goal: 8 },
  { what: 'one room', user: 'conf-', calls: 100, room: 100, goal: 14 },
  { what: 'one room', user: 'conf-', calls: 200, room: 200, goal: 24 },
  // Half of it as well: on two cores the load takes its part of what the workers have.
  { ...HUGE, calls: 500, room: 500 },
  { ...HUGE, calls: 1_000, room: 1_000 },
  { ...THREES, calls: 99, goal: 15 },
  { ...THREES, calls: 201, goal: 25 },
  { ...PROMPT, calls: 100, goal: 13 },
  { ...PROMPT, calls: 300, goal: 29 },
  { ...PROMPT, calls: 400, goal: 36 },
]

/** More and more calls until they are not served cleanly: that is the knee. The last of each is the goal. */
export const SWEEPS: readonly (readonly MediaLoad[])[] = [
  [{ ...BRIDGE, calls: 200 }, { ...BRIDGE, calls: 300 }, { ...BRIDGE, calls: 400 }, { ...BRIDGE, calls: 600, goal: 85 }],
  [{ ...THREES, calls: 300 }, { ...THREES, calls: 600 }, { ...THREES, calls: 900 }],
  [{ ...PROMPT, calls: 600 }, { ...PROMPT, calls: 900 }, { ...PROMPT, calls: 1_200 }],
]

/** About twice what a core carries. */
export const OVERLOADS: readonly MediaLoad[] = [
  { ...ECHO, calls: 2_800 },
  { ...BRIDGE, calls: 1_600 },
  { ...THREES, calls: 2_000 },
  { ...PROMPT, calls: 3_000 },
]

/** The floors: echoes in C and by Node's bare `dgram`, few and many. */
export const FLOORS: readonly MediaLoad[] = [{ ...ECHO, calls: 100 }, { ...ECHO, calls: 500 }]

/** What rtpengine, which relays packets and nothing else, is asked for in the same run. */
export const RIVAL: readonly MediaLoad[] = [100, 200, 300, 400, 600].map(calls => ({ ...BRIDGE, calls }))
