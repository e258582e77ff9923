import type { OverflowSettings, OverflowTarget, QueueOptions, RelaxStep } from 'cordboard/contact'
import type { Prompts } from './prompts.js'
import type { ConfiguredQueue } from './queue-settings.js'
import type { Recordings } from './recordings.js'
import type { TalkFile } from './talk-files.js'

type Overflow = NonNullable<ConfiguredQueue['overflow']>

const ms = (seconds: number): number => seconds * 1_000

/** Conditions of the settings as the contact centre takes them. */
export const relaxSteps = (requires: ConfiguredQueue['requires']): readonly RelaxStep[] => {
  if (requires === undefined) return []
  if (typeof requires === 'string') return [{ after: 0, requires }]
  return requires.map(({ after, ...step }) => ({ after: ms(after), ...(step.requires === undefined ? {} : { requires: step.requires }) }))
}

/**
 * A queue of the settings as the contact centre takes it.
 * @param targetRequires what the queue asks of agents into which this one overflows.
 */
export const queueOptions = (settings: ConfiguredQueue, targetRequires: ConfiguredQueue['requires'], prompts: Prompts, recordings: Recordings, talkFile: TalkFile): QueueOptions => {
  const { strategy, announce, exit, callback, overflow, hours, holdLimit } = settings
  return {
    strategy,
    ringFor: ms(settings.ringFor),
    maxWait: ms(settings.maxWait),
    tierWait: ms(settings.tierWait),
    progressEvery: ms(settings.progressEvery),
    returnWithin: ms(settings.returnWithin),
    ageing: settings.ageing,
    serviceLevel: { within: ms(settings.answerWithin), formula: settings.formula },
    hold: settings.hold.map(sound => prompts.sound(sound)),
    ...(announce === undefined ? {} : { announce: { first: ms(announce.first), every: ms(announce.every), audio: ({ position, estimate }) => prompts.place(position, estimate) } }),
    ...(exit === undefined ? {} : { exitOn: exit.key }),
    ...(callback === undefined ? {} : { callback: { digit: callback.key, ringFor: ms(callback.ringFor), attempts: callback.attempts } }),
    ...(overflow === undefined ? {} : { overflow: overflowOptions(overflow, targetRequires, prompts, recordings) }),
    ...(hours === undefined ? {} : { hours }),
    ...(holdLimit === undefined ? {} : { holdLimit: ms(holdLimit) }),
    ...(settings.whisper === undefined ? {} : { whisper: prompts.sound(settings.whisper) }),
    ...(settings.record ? { record: talkFile } : {}),
  }
}

const overflowOptions = ({ after, size, noAgents, to }: Overflow, targetRequires: ConfiguredQueue['requires'], prompts: Prompts, recordings: Recordings): OverflowSettings => ({
  noAgents,
  ...(after === undefined ? {} : { after: ms(after) }),
  ...(size === undefined ? {} : { size }),
  ...(to === undefined ? {} : { to: overflowTarget(to, targetRequires, prompts, recordings) }),
})

const overflowTarget = (to: NonNullable<Overflow['to']>, targetRequires: ConfiguredQueue['requires'], prompts: Prompts, recordings: Recordings): OverflowTarget => {
  if ('announcement' in to) return { announcement: prompts.sound(to.announcement) }
  if ('mailbox' in to) return { mailbox: call => recordings.file('message', call), greeting: prompts.sound(to.greeting), limit: ms(to.limit) }
  if ('queue' in to) return { queue: to.queue, requires: relaxSteps(targetRequires) }
  return to
}
