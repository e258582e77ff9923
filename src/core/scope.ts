/** Lifetime: AbortSignals and the promises that they cut short. */

/** Options of every operation that waits. */
export interface Scoped {
  /** Aborts the operation, which then rejects with the signal's reason unless its outcome has a member for it. */
  readonly signal?: AbortSignal
}

/** A promise with its two ends in the open. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/** `Promise.withResolvers`, which Node 20 lacks. An unobserved rejection is not reported. */
export const deferred = <T>(): Deferred<T> => {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}

/** Calls `listener` when `signal` aborts, at once when it has; returns the function that takes it off again. */
export const onAbort = (signal: AbortSignal | undefined, listener: (reason: unknown) => void): (() => void) => {
  if (signal === undefined) return () => undefined
  if (signal.aborted) {
    listener(signal.reason)
    return () => undefined
  }
  const handle = (): void => listener(signal.reason)
  signal.addEventListener('abort', handle, { once: true })
  return () => signal.removeEventListener('abort', handle)
}

/** Settles as `promise` does, or rejects with the reason of the first of `signals` that aborts. */
export const abortable = async <T>(promise: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> => {
  const cut = deferred<never>()
  const release = signals.map(signal => onAbort(signal, cut.reject))
  try {
    return await Promise.race([promise, cut.promise])
  } finally {
    for (const off of release) off()
  }
}
