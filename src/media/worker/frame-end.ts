import { bendSound } from './seam.js'

/** Where a frame ends: the next may have to begin there. */
export class FrameEnd {
  lastButOne = 0
  last = 0

  take(pcm: Int16Array | Int32Array, length = pcm.length): void {
    this.lastButOne = pcm[length - 2]!
    this.last = pcm[length - 1]!
  }

  /** Lets a frame that is to follow begin there: see `bendSound`. */
  lead(pcm: Int16Array | Int32Array, rate: number): void {
    bendSound(pcm, this.lastButOne, this.last, rate)
  }

  /** It ended in silence. */
  clear(): void {
    this.lastButOne = this.last = 0
  }
}
