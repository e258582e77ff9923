import t from 'tap'
import { seededRandom } from '../../../src/core/random.js'
import type { Random } from '../../../src/core/random.js'
import type { UserAgentCore } from '../../../src/sip/ua/core.js'
import type { ClientInvite, Session } from '../../../src/sip/ua/user-agent.js'
import { ANSWER, BOB, OFFER, onInvite, twoAgents } from './two-agents.js'

const CALLS = process.env['CORDBOARD_SIMULATED_CALLS'] === undefined ? 100 : Number(process.env['CORDBOARD_SIMULATED_CALLS'])

/** What is left in a user agent. */
const remains = ({ dialogs, sessions, layer }: UserAgentCore): readonly number[] => [dialogs, sessions, layer.size.client, layer.size.server]

/** Somewhere in a call each side does something. */
const live = (session: Session, random: Random, after: (ms: number, task: () => void) => void): void => {
  session.onOffer = offer => Promise.resolve(random.float() < 0.8 ? { type: 'accepted', sdp: offer === undefined ? OFFER : ANSWER } : { type: 'refused', status: 488 })
  session.on('request', request => request.respond(200))
  const act = random.float()
  if (act < 0.3) after(random.float() * 3_000, () => void session.reinvite(OFFER).catch(() => undefined))
  else if (act < 0.5) after(random.float() * 3_000, () => void session.request('INFO').catch(() => undefined))
  after(random.float() * 8_000, () => void session.bye())
}

t.test(`RFC 3261, 5407, 6026: ${CALLS} calls over a network that loses, doubles and reorders leave nothing behind`, async t => {
  for (let seed = 1; seed <= CALLS; seed++) {
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
    if (settled === '' || [...remains(alice), ...remains(bob)].some(count => count !== 0)) {
      return t.fail(`seed ${seed}: ${settled || 'unsettled'}, left ${remains(alice).join()} and ${remains(bob).join()}`)
    }
    if (alice.layer.counters.value('impossible') + bob.layer.counters.value('impossible') > 0) return t.fail(`seed ${seed}: an impossible transition`)
  }
  t.pass('all seeds')
})
