/** Width of a class of the histogram in milliseconds. */
const CLASS_MS = 5
/** Classes: relative delays beyond the last one count as the last one. */
const CLASSES = 100
/** Weight of the newest packet; older ones fade with a half-life of about 80 packets (1.6 s of 20 ms). */
const NEWEST = 0.0085
/** Below this, all weights are brought back to scale. */
const SMALLEST_SCALE = 1e-9
/** Share of the packets that are to arrive in time. */
const IN_TIME = 0.98
/** The fastest packet is looked for in this many spans of `SPAN_MS` each: long enough to see one, short enough to follow a skewed clock. */
const SPANS = 8
const SPAN_MS = 500

/**
 * How long packets take, measured from their arrivals (as NetEQ does): each packet's delay is compared with the fastest one
 * of the last seconds, the differences fill a histogram that forgets, and its quantile is the delay that playout needs.
 */
export class DelayEstimator {
  /**
   * First the fastest transit of each of the last spans, in ms, `Infinity` where none was seen; then the classes of the histogram, times
   * `#scale`: forgetting is one multiplication, whatever their number. One array, as each more would be one more miss of the cache.
   */
  readonly #memory = new Float64Array(SPANS + CLASSES).fill(Infinity, 0, SPANS)
  #scale = 1
  #span = 0
  #spanEnd = -Infinity
  #base = Infinity
  #packets = 0

  /** Transit of the fastest recent packet: arrival less media time, ms. `Infinity` before the first packet. */
  get base(): number {
    return this.#base
  }

  /** Packets seen since the last reset. */
  get packets(): number {
    return this.#packets
  }

  /**
   * Notes a packet.
   * @param media its media time, @param arrival its arrival, both in ms.
   */
  update(media: number, arrival: number): void {
    const transit = arrival - media
    this.#turn(arrival)
    if (transit < this.#memory[this.#span]!) this.#memory[this.#span] = transit
    if (transit < this.#base) this.#base = transit
    const found = Math.min(CLASSES - 1, Math.floor((transit - this.#base) / CLASS_MS))
    // The first packets weigh as an average would, so that a handful already tells.
    const newest = Math.max(NEWEST, 1 / (this.#packets + 1))
    if (this.#packets++ > 0) this.#scale *= 1 - newest
    this.#memory[SPANS + found]! += newest / this.#scale
    if (this.#scale < SMALLEST_SCALE) this.#rescale()
  }

  #rescale(): void {
    for (let at = SPANS; at < SPANS + CLASSES; at++) this.#memory[at]! *= this.#scale
    this.#scale = 1
  }

  /** Delay over the fastest packet, in ms, within which `IN_TIME` of the packets arrive. */
  get quantile(): number {
    let late = 1
    for (let at = 0; at < CLASSES; at++) {
      late -= this.#memory[SPANS + at]! * this.#scale
      if (late <= 1 - IN_TIME) return (at + 1) * CLASS_MS
    }
    return CLASSES * CLASS_MS
  }

  /** Forgets everything, as at the start of another stream. */
  reset(): void {
    this.#memory.fill(Infinity, 0, SPANS).fill(0, SPANS)
    this.#scale = 1
    this.#base = Infinity
    this.#spanEnd = -Infinity
    this.#packets = 0
  }

  /** Begins the spans that are due at `arrival` and finds the fastest of those left. */
  #turn(arrival: number): void {
    if (arrival < this.#spanEnd) return
    const due = this.#spanEnd === -Infinity ? 1 : Math.min(SPANS, 1 + Math.floor((arrival - this.#spanEnd) / SPAN_MS))
    for (let turn = 0; turn < due; turn++) {
      this.#span = (this.#span + 1) % SPANS
      this.#memory[this.#span] = Infinity
    }
    this.#spanEnd = arrival + SPAN_MS
    let base = Infinity
    for (let at = 0; at < SPANS; at++) base = Math.min(base, this.#memory[at]!)
    this.#base = base
  }
}
