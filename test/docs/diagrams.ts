import { offerTable } from '../../src/sip/dialog/offer-state.js'
import { inviteClient } from '../../src/sip/transaction/invite-client.js'
import { inviteServer } from '../../src/sip/transaction/invite-server.js'
import { mermaid, type AnyMachine } from '../../src/sip/transaction/machine.js'
import { nonInviteClient } from '../../src/sip/transaction/non-invite-client.js'
import { nonInviteServer } from '../../src/sip/transaction/non-invite-server.js'

const MACHINES: readonly { readonly title: string; readonly source: string; readonly machine: AnyMachine }[] = [
  { title: 'INVITE client transaction', source: 'RFC 3261 §17.1.1 with RFC 6026', machine: inviteClient },
  { title: 'INVITE server transaction', source: 'RFC 3261 §17.2.1 with RFC 6026', machine: inviteServer },
  { title: 'Non-INVITE client transaction', source: 'RFC 3261 §17.1.2', machine: nonInviteClient },
  { title: 'Non-INVITE server transaction', source: 'RFC 3261 §17.2.2 with RFC 4320', machine: nonInviteServer },
]

const REFUSALS = new Set(['glare', 'busy', 'impossible'])

/** Offer and answer as a diagram: what is refused is no transition. */
const offerDiagram = (): string => {
  const arrows = Object.entries(offerTable).flatMap(([from, cells]) =>
    Object.entries(cells).filter(([, to]) => !REFUSALS.has(to)).map(([input, to]) => `  ${from} --> ${to}: ${input}`.replaceAll(/(local|remote)-offer(?= -->|:)/g, '$1_offer')))
  return ['stateDiagram-v2', '  [*] --> idle', ...arrows].join('\n')
}

const section = (title: string, source: string, diagram: string): string => `## ${title}\n${source}.\n\n\`\`\`mermaid\n${diagram}\n\`\`\`\n`

/** Text of `docs/state-machines.md`, made from the tables that run. */
export const stateMachinesPage = (): string => [
  '# State machines\n',
  'Made from the constant tables in `src/sip`: an arrow says `input / actions`. Inputs that a state ignores are left out.\n',
  ...MACHINES.map(({ title, source, machine }) => section(title, source, mermaid(machine))),
  section('Offer and answer', 'RFC 3264 §4, RFC 6337 §2. Whoever offers while an offer is pending meets 491 (glare) or 500', offerDiagram()),
].join('\n')
