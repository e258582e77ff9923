import type { Handler } from './handler.js'

/** 600: the caller hears itself. */
export const echo: Handler = async call => {
  await call.answer()
  await call.echo()
}
