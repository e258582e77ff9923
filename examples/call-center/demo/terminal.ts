import type { AgentView, QueueView } from '../board.js'

/** Draws the live board: a screen of colours on a terminal, plain lines elsewhere. */
export interface Terminal {
  show(queues: readonly QueueView[], agents: readonly AgentView[], left: number): void
  close(): void
}

/** ECMA-48 §8.3.117, select graphic rendition. */
const colours = { reset: '\x1b[0m', bold: '\x1b[1m', faint: '\x1b[2m', green: '\x1b[32m', yellow: '\x1b[33m', blue: '\x1b[34m', magenta: '\x1b[35m' }
type Colour = keyof typeof colours

const paint = (text: string, ...names: readonly Colour[]): string => `${names.map(name => colours[name]).join('')}${text}${colours.reset}`

const stateColours: Record<AgentView['state'], Colour> = {
  idle: 'green', resting: 'green', offered: 'yellow', preparing: 'blue', talking: 'blue', 'wrap-up': 'magenta', elsewhere: 'blue', 'on-break': 'faint', 'logged-out': 'faint',
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`

export const percent = (share: number | null): string => (share === null ? '-' : `${Math.round(share * 100)} %`)

const queueRow = (queue: QueueView): string => {
  const waiting = String(queue.waiting.length).padStart(7)
  const longest = seconds(Math.max(0, ...queue.waiting.map(caller => caller.waited))).padStart(9)
  const rest = [String(queue.answered).padStart(10), String(queue.abandoned).padStart(11), percent(queue.serviceLevel).padStart(9)].join('')
  return `  ${queue.name.padEnd(10)}${queue.waiting.length > 0 ? paint(waiting, 'yellow', 'bold') : waiting}${longest}${rest}`
}

const agentRow = (agent: AgentView): string => {
  const state = paint(agent.state.padEnd(11), stateColours[agent.state])
  const caller = agent.caller === null ? '' : agent.caller.replace(/^sips?:|@.*$/g, '')
  return `  ${agent.user.padEnd(8)}${state}${seconds(agent.for).padStart(6)}   ${caller.padEnd(16)}${String(agent.answered).padStart(4)} answered`
}

const screen = (queues: readonly QueueView[], agents: readonly AgentView[], left: number): string =>
  [
    `${paint('  Cordboard', 'bold')}  a call centre on loopback, ${seconds(left)} left`,
    '',
    paint('  queue     waiting  longest  answered  abandoned    level', 'faint'),
    ...queues.map(queueRow),
    '',
    paint('  agent   state         for   caller', 'faint'),
    ...agents.map(agentRow),
    '',
  ].join('\n')

const line = (queues: readonly QueueView[], agents: readonly AgentView[], left: number): string => {
  const calls = queues.map(queue => `${queue.name}: ${queue.waiting.length} waiting, ${queue.answered} answered, ${queue.abandoned} abandoned, level ${percent(queue.serviceLevel)}`)
  return `${seconds(left).padStart(5)}  ${calls.join(' | ')} | agents: ${agents.map(agent => `${agent.user} ${agent.state}`).join(', ')}`
}

/** The board on `stream`. */
export const openTerminal = (stream: NodeJS.WriteStream): Terminal => {
  if (!stream.isTTY) return { show: (queues, agents, left) => void stream.write(`${line(queues, agents, left)}\n`), close: () => undefined }
  stream.write('\x1b[?25l\x1b[2J')
  return {
    show: (queues, agents, left) => void stream.write(`\x1b[H${screen(queues, agents, left).replaceAll('\n', '\x1b[K\n')}\x1b[J`),
    close: () => void stream.write('\x1b[?25h'),
  }
}
