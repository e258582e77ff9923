const HEAD = 0
const TAIL = 16
const HEADER_BYTES = 128
const FIELDS = 6
/** Marks the rest of the ring as unused: the next record begins at its start. */
const SKIP = -1
/** Positions count on modulo this, so that they stay small integers; a multiple of every capacity. */
const MODULUS = 0x4000_0000

/** Track number of the record without payload that says when a recording begins. */
export const BEGIN_TRACK = 255
/** Added to a track's number: what its stream was before the frame that comes next, so that the decoder adapts; nothing, where a stream begins. It is not recorded. */
export const PAST = 0x40

/** One record, overwritten by each `read`. */
export class FrameRecord {
  recording = 0
  track = 0
  /** Place in `installedCodecs`, or -1 for 16-bit PCM. */
  codec = 0
  /** Sampling rate in Hz of PCM. */
  rate = 0
  timestamp = 0
  /** Engine time in 1/8 ms at which the frame was received or sent. */
  at = 0
  start = 0
  end = 0
}

/**
 * A ring in shared memory of frames to be recorded: one media worker writes, the recorder reads; neither ever waits for the
 * other. A frame that finds no room is refused, and the writer counts it.
 */
export class FrameRing {
  readonly #positions: Int32Array
  readonly #words: Int32Array
  /** Payloads are read from here, between a record's `start` and `end`. */
  readonly bytes: Uint8Array

  /** @param capacity bytes, a power of two. */
  static allocate(capacity: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + capacity)
  }

  constructor(readonly buffer: SharedArrayBuffer) {
    this.#positions = new Int32Array(buffer, 0, HEADER_BYTES / 4)
    this.#words = new Int32Array(buffer, HEADER_BYTES)
    this.bytes = new Uint8Array(buffer, HEADER_BYTES)
  }

  /** Share of the ring in use. */
  get fill(): number {
    return ((Atomics.load(this.#positions, HEAD) - Atomics.load(this.#positions, TAIL)) & (MODULUS - 1)) / this.bytes.length
  }

  /** Writer: adds a frame. @returns false when there is no room. Never allocates. */
  write(recording: number, track: number, codec: number, rate: number, timestamp: number, at: number, payload: Uint8Array, start: number, end: number): boolean {
    const capacity = this.bytes.length
    const size = FIELDS * 4 + ((end - start + 3) & ~3)
    const head = this.#positions[HEAD]!
    let used = (head - Atomics.load(this.#positions, TAIL)) & (MODULUS - 1)
    let offset = head & (capacity - 1)
    const rest = capacity - offset
    const skip = rest < size ? rest : 0
    used += skip + size
    if (used > capacity) return false
    if (skip > 0) {
      this.#words[offset >> 2] = SKIP
      offset = 0
    }
    const word = offset >> 2
    const words = this.#words
    words[word] = end - start
    words[word + 1] = recording
    words[word + 2] = track | ((codec + 1) << 8)
    words[word + 3] = rate
    words[word + 4] = timestamp
    words[word + 5] = at
    const bytes = this.bytes
    for (let from = start, to = offset + FIELDS * 4; from < end; from++, to++) bytes[to] = payload[from]!
    Atomics.store(this.#positions, HEAD, (head + skip + size) & (MODULUS - 1))
    return true
  }

  /** Reader: reads the oldest record; its payload stays until `release`. @returns false when the ring is empty. */
  read(record: FrameRecord): boolean {
    let tail = this.#positions[TAIL]!
    if (tail === Atomics.load(this.#positions, HEAD)) return false
    const capacity = this.bytes.length
    let offset = tail & (capacity - 1)
    if (this.#words[offset >> 2] === SKIP) {
      tail = (tail + capacity - offset) & (MODULUS - 1)
      Atomics.store(this.#positions, TAIL, tail)
      offset = 0
    }
    const word = offset >> 2
    const words = this.#words
    record.recording = words[word + 1]!
    record.track = words[word + 2]! & 0xff
    record.codec = (words[word + 2]! >> 8) - 1
    record.rate = words[word + 3]!
    record.timestamp = words[word + 4]!
    record.at = words[word + 5]!
    record.start = offset + FIELDS * 4
    record.end = record.start + words[word]!
    return true
  }

  /** Reader: gives the room of the record that `read` returned last. */
  release(record: FrameRecord): void {
    const size = FIELDS * 4 + ((record.end - record.start + 3) & ~3)
    Atomics.store(this.#positions, TAIL, (this.#positions[TAIL]! + size) & (MODULUS - 1))
  }
}
