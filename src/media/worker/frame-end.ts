/** Where a frame ends: the next may have to begin there. */
export class FrameEnd {
  lastButOne = 0
  last = 0

  take(pcm: Int16Array): void {
    this.lastButOne = pcm[pcm.length - 2]!
    this.last = pcm[pcm.length - 1]!
  }
}
