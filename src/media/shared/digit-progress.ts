const BEGUN = 0
const ELAPSED = 1
const TIMESTAMP = 2
const STOPPED = 3
const WORDS = 4

/** How far the sending of some digits has come, in shared memory: a worker that takes the leg over goes on there, whatever became of the one before. */
export class DigitProgress {
  readonly #words: Int32Array

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(WORDS * 4)
  }

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
  }

  /** Digits that have been begun: none of them is begun again. */
  get begun(): number {
    return this.#words[BEGUN]!
  }

  /** RTP clock units of the event under way that the peer has been told of; 0 when there is none. */
  get elapsed(): number {
    return this.#words[ELAPSED]!
  }

  /** RTP timestamp of that event. */
  get timestamp(): number {
    return this.#words[TIMESTAMP]! >>> 0
  }

  begin(): void {
    this.#words[ELAPSED] = 0
    this.#words[BEGUN]!++
  }

  event(timestamp: number, elapsed: number): void {
    this.#words[TIMESTAMP] = timestamp | 0
    this.#words[ELAPSED] = elapsed
  }

  end(): void {
    this.#words[ELAPSED] = 0
  }

  /** Main thread: the press in progress ends properly, and no other begins, in whichever worker. */
  stop(): void {
    Atomics.store(this.#words, STOPPED, 1)
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOPPED) === 1
  }
}
