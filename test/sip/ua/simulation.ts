import { seededRandom } from '../../../src/core/random.js'
import type { Random } from '../../../src/core/random.js'
import type { ClientInvite, Session } from '../../../src/sip/ua/user-agent.js'
import { leftOver } from '../left-over.js'
import { ANSWER, BOB, OFFER, onInvite, twoAgents } from './two-agents.js'

/** Somewhere in a call each side does something. */
const live = (session: Session, random: Random, after: (ms: number, task: () => void) => void): void => {
  session.onOffer = offer => Promise.resolve(random.float() < 0.8 ? { type: 'accepted', sdp: offer === undefined ? OFFER : ANSWER } : { type: 'refused', status: 488 })
  session.on('request', request => request.respond(200))
  const act = random.float()
  if (act < 0.3) after(random.float() * 3_000, () => void session.reinvite(OFFER).catch(() => undefined))
  else if (act < 0.5) after(random.float() * 3_000, () => void session.request('INFO').catch(() => undefined))
  after(random.float() * 8_000, () => void session.bye())
}

/** One call with its troubles; what is wrong afterwards, if anything. */
export const run = async (seed: number): Promise<string | undefined> => {
  const random = seededRandom(seed)
  const { clock, alice, bob } = await twoAgents({ seed, loss: 0.15, duplication: 0.1, delay: [1, 400] })
  const after = (ms: number, task: () => void): void => void clock.after(ms, task)
  onInvite(bob, invite => {
    const answer = random.float()
    if (answer < 0.6) void invite.provisional(180).catch(() => undefined)
    after(random.float() * 2_000, () => {
      if (answer < 0.15) invite.reject(486)
      else if (answer < 0.95) invite.accept({ sdp: ANSWER }).then(session => live(session, random, after), () => undefined)
      else after(random.float() * 5_000, () => invite.reject(480))
    })
  })
  const invite: ClientInvite = alice.invite(BOB, { sdp: OFFER })
  let settled = ''
  void invite.outcome.then(outcome => {
    settled = outcome.type
    if (outcome.type === 'answered') live(outcome.session, random, after)
  })
  if (random.float() < 0.2) after(random.float() * 4_000, () => invite.cancel())
  clock.advance(0)
  for (let step = 0; step < 60; step++) await clock.settle(6_000)
  return settled === '' ? 'unsettled' : leftOver(clock, [alice, bob])
}
