import type { Handler } from './handler.js'

/** 601: a tone of 1004 Hz, by which levels are measured on telephone lines (ITU-T O.9), until the caller hangs up. */
export const tone: Handler = async call => {
  await call.answer()
  await call.play({ tone: '1004' }, { loop: true })
}
