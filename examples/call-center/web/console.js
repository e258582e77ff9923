// The wall board: asks /api once a second and draws what comes.

const element = (name, attributes = {}, ...children) => {
  const node = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'onclick') node.addEventListener('click', value)
    else node.setAttribute(key, value)
  }
  node.append(...children)
  return node
}

const byId = id => document.getElementById(id)

/** Milliseconds as 0:07, 12:34 or 1:02:03. */
const length = ms => {
  const seconds = Math.floor(ms / 1000)
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}` : `${m}:${String(s).padStart(2, '0')}`
}

const percent = share => (share === null ? '–' : `${Math.round(share * 100)} %`)

/** The user part of a SIP URI. */
const user = uri => decodeURIComponent(/^(?:sips?|tel):([^@;?]+)/.exec(uri)?.[1] ?? uri)

const grade = (share, good, fair) => (share === null || share >= good ? '' : share >= fair ? 'warn' : 'bad')

const sum = (list, value) => list.reduce((total, item) => total + value(item), 0)

const show = (id, text, tone = '') => {
  byId(id).textContent = text
  byId(id).className = tone
}

const drawFigures = (queues, agents) => {
  const waiting = sum(queues, queue => queue.waiting.length)
  const longest = Math.max(0, ...queues.flatMap(queue => queue.waiting.map(caller => caller.waited)))
  const counted = sum(queues, queue => queue.answered + queue.abandoned)
  const level = counted === 0 ? null : sum(queues, queue => (queue.serviceLevel ?? 0) * (queue.answered + queue.abandoned)) / counted
  show('waiting', waiting, waiting > 5 ? 'bad' : waiting > 0 ? 'warn' : '')
  show('longest', length(longest), longest > 60_000 ? 'bad' : longest > 20_000 ? 'warn' : '')
  show('talking', agents.filter(agent => agent.state === 'talking').length)
  show('answered', sum(queues, queue => queue.answered))
  show('abandoned', sum(queues, queue => queue.abandoned))
  show('level', percent(level), grade(level, 0.8, 0.6))
}

const drawQueue = queue => {
  const tone = grade(queue.serviceLevel, 0.8, 0.6)
  const figure = (name, value) => element('div', {}, element('dt', {}, name), element('dd', {}, String(value)))
  const waiting = queue.waiting.slice(0, 5).map(caller => element('li', {}, element('span', {}, user(caller.from)), element('span', {}, length(caller.waited))))
  if (queue.waiting.length > 5) waiting.push(element('li', { class: 'none' }, `and ${queue.waiting.length - 5} more`))
  const bar = element('i', { class: tone })
  bar.style.width = `${(queue.serviceLevel ?? 0) * 100}%`
  return element('article', { class: 'card' },
    element('h3', {}, queue.name, element('small', {}, `dial ${queue.number}`)),
    element('dl', {}, figure('waiting', queue.waiting.length), figure('answered', queue.answered), figure('abandoned', queue.abandoned), figure('average wait', length(queue.averageWait))),
    element('div', { class: 'bar' }, bar),
    element('p', {}, queue.serviceLevel === null ? 'No calls yet' : `${percent(queue.serviceLevel)} answered within ${queue.answerWithin / 1000} s`),
    element('ul', { class: 'waiting' }, ...(waiting.length > 0 ? waiting : [element('li', { class: 'none' }, 'Nobody is waiting')])))
}

const stateNames = { idle: 'free', offered: 'ringing', preparing: 'answered', talking: 'talking', 'wrap-up': 'wrap-up', elsewhere: 'in another call', resting: 'pausing', 'on-break': 'on a break', 'logged-out': 'not signed in' }

const drawAgent = agent => {
  const talk = agent.caller === null ? '' : `${user(agent.caller)}${agent.queue === null ? '' : ` · ${agent.queue}`}`
  return element('article', { class: `agent ${agent.state}` },
    element('b', {}, agent.user), element('span', {}, agent.state === 'logged-out' ? '' : length(agent.for)),
    element('p', {}, stateNames[agent.state] ?? agent.state),
    element('p', {}, talk || (agent.state === 'logged-out' ? '' : `${agent.answered} answered`)))
}

const drawCall = call => {
  const cell = (text, style = '') => element('td', style === '' ? {} : { class: style }, text)
  const hear = call.recordingUrl === null ? '' : element('button', { class: 'hear', onclick: event => {
    playing = call.id
    event.target.replaceWith(element('audio', { controls: '', autoplay: '', src: call.recordingUrl }))
  } }, 'Play')
  return element('tr', {},
    cell(new Date(call.at).toLocaleTimeString()), cell(user(call.from)), cell(user(call.to)), cell(call.queue ?? ''), cell(call.agent === null ? '' : user(call.agent)),
    cell(call.waited === null ? '' : length(call.waited), 'number'), cell(call.talked === null ? '' : length(call.talked), 'number'),
    element('td', {}, element('span', { class: `tag ${call.outcome}` }, call.outcome.replace('-', ' '))), element('td', {}, hear))
}

let playing
let lastCalls = ''

const drawCalls = calls => {
  const text = JSON.stringify(calls)
  const player = document.querySelector('#calls audio')
  if (text === lastCalls || (playing !== undefined && player !== null && !player.paused)) return // a new table would stop the player
  lastCalls = text
  const rows = calls.map(drawCall)
  byId('calls').replaceChildren(...(rows.length > 0 ? rows : [element('tr', {}, element('td', { class: 'empty', colspan: '9' }, 'No calls yet: dial 700 and press 1.'))]))
}

const fetchJson = async path => {
  const response = await fetch(path, { signal: AbortSignal.timeout(3_000) })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}

const link = (text, state) => {
  byId('link').textContent = text
  byId('link').className = `link ${state}`
}

const refresh = async () => {
  try {
    const [queues, agents, calls] = await Promise.all(['api/queues', 'api/agents', 'api/interactions?limit=25'].map(fetchJson))
    drawFigures(queues, agents)
    byId('queues').replaceChildren(...queues.map(drawQueue))
    byId('agents').replaceChildren(...agents.map(drawAgent))
    drawCalls(calls)
    link('live', 'live')
  } catch {
    link('no connection to the server', 'lost')
  }
  byId('clock').textContent = new Date().toLocaleTimeString()
  setTimeout(refresh, 1000)
}

await refresh()
