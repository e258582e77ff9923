import type { Server } from 'cordboard'
import { userOf } from '../admission.js'
import type { Admission } from '../admission.js'
import type { Journal } from '../journal.js'
import type { Prompts } from '../prompts.js'
import type { Queues } from '../queues.js'
import type { Recordings } from '../recordings.js'
import { digits } from './digits.js'
import { echo } from './echo.js'
import { menu } from './menu.js'
import { createOperator } from './people.js'
import { enterQueue } from './queues.js'
import { record } from './record.js'
import { enterRoom } from './rooms.js'
import { tone } from './tone.js'

/** What the numbers are made of. */
export interface NumberingPlan {
  readonly server: Server
  readonly admission: Admission
  readonly prompts: Prompts
  readonly queues: Queues
  readonly recordings: Recordings
  readonly journal: Journal
  readonly supervisor: string
  /** The address of record of an account. */
  readonly aor: (user: string) => string
}

/** Connects every number of the server; what is not here gets 404. */
export const connectNumbers = ({ server, admission: { everyone, accounts }, prompts, queues, recordings, journal, supervisor, aor }: NumberingPlan): void => {
  const { ring, ringOr } = createOperator(recordings, journal)
  const sales = enterQueue(queues.sales, 'queue-sales', prompts, journal)
  const support = enterQueue(queues.support, 'queue-support', prompts, journal)
  const person = ring(call => aor(userOf(call.request.uri)))
  server
    .handle('sip:600@*', everyone(echo))
    .handle('sip:601@*', everyone(tone))
    .handle('sip:602@*', everyone(record(prompts, recordings, journal)))
    .handle('sip:603@*', everyone(digits(prompts)))
    .handle('sip:700@*', everyone(menu(prompts, { sales, support, operator: ringOr(aor(supervisor), sales) })))
    .handle('sip:701@*', everyone(sales))
    .handle('sip:702@*', everyone(support))
    .handle('sip:8[0-9][0-9]@*', everyone(enterRoom(server, prompts)))
    .handle('sip:100[1-9]@*', accounts(person))
    .handle('sip:1010@*', accounts(person))
}
