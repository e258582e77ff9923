import type { Server } from 'cordboard'
import { userOf } from '../admission.js'
import type { Prompts } from '../prompts.js'
import type { Handler } from './handler.js'

/** 800-899: a conference room for each number. `*` mutes the caller or lets it speak again, `#` leaves. */
export const enterRoom = (server: Server, prompts: Prompts): Handler => async call => {
  await call.answer()
  await call.play(prompts.file('room-enter'))
  await using member = await server.conference(userOf(call.request.uri)).join(call)
  for await (const { digit } of call.digits()) {
    if (digit === '*') member.muted = !member.muted
    if (digit === '#') break
  }
}
