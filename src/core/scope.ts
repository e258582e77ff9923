import { Ending } from './ending.js'

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

const nothing = (): void => undefined

/** Calls `listener` when `signal` aborts, at once when it has; returns the function that takes it off again. */
export const onAbort = (signal: AbortSignal | Ending | undefined, listener: (reason: unknown) => void): (() => void) => {
  if (signal === undefined) return nothing
  if (signal instanceof Ending) return signal.on(listener)
  if (signal.aborted) {
    listener(signal.reason)
    return nothing
  }
  const handle = (): void => listener(signal.reason)
  signal.addEventListener('abort', handle, { once: true })
  return () => signal.removeEventListener('abort', handle)
}

/** Settles as `promise` does, or rejects with the reason of the first of `signals` that aborts. */
export const abortable = <T>(promise: Promise<T>, ...signals: readonly (AbortSignal | Ending | undefined)[]): Promise<T> =>
  new Promise<T>((resolve, reject) => {
    let release: (() => void)[] | undefined = []
    const letGo = (): void => {
      const all = release
      release = undefined
      if (all !== undefined) for (const off of all) off()
    }
    for (const signal of signals) {
      const off = onAbort(signal, reason => {
        letGo()
        reject(reason)
      })
      if (release === undefined) off()
      else release.push(off)
    }
    promise.then(value => {
      letGo()
      resolve(value)
    }, (error: unknown) => {
      letGo()
      reject(error)
    })
  })
