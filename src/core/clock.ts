/** A pending call of `Clock.after`. */
export interface Timer {
  /** Prevents the call; harmless once it has run. */
  cancel(): void
}

/** Time, injected everywhere: the real one here, the virtual one in `cordboard/testing`. */
export interface Clock {
  /** Milliseconds on a monotonic scale of unspecified origin. */
  now(): number
  /** Milliseconds since 1970-01-01 UTC. */
  wall(): number
  /** Runs `task` once, not earlier than `ms` milliseconds from now. */
  after(ms: number, task: () => void): Timer
}
