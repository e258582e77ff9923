import type { Report } from '../report.js'
import { legLoad } from './legs.js'
import { mediaLoad } from './media.js'
import { memoryLoad } from './memory.js'
import { overload } from './overload.js'
import { relayLoad } from './relaying.js'
import { signallingLoad, userAgentLoad } from './signalling.js'
import { isInstalled, mloadAbsent } from './tools.js'
import { voiceQuality } from './voice-quality.js'

/** A bench of the whole server under load from another process. */
export interface LoadBench {
  readonly name: string
  /** Why it cannot run here; undefined when it can. */
  absent(): string | undefined
  run(): Promise<Report>
}

const sippAbsent = (): string | undefined => ['sipp', 'taskset'].filter(program => !isInstalled(program)).map(program => `${program} is not installed`)[0]

export const loadBenches: readonly LoadBench[] = [
  { name: 'load-signalling', absent: sippAbsent, run: signallingLoad },
  { name: 'load-signalling', absent: sippAbsent, run: userAgentLoad },
  { name: 'memory', absent: () => undefined, run: memoryLoad },
  { name: 'legs', absent: () => undefined, run: legLoad },
  { name: 'load-relay', absent: () => isInstalled('taskset') ? undefined : 'taskset is not installed', run: relayLoad },
  { name: 'voice-quality', absent: () => isInstalled('espeak-ng') ? undefined : 'espeak-ng is not installed', run: voiceQuality },
  { name: 'load-media', absent: mloadAbsent, run: mediaLoad },
  { name: 'load-overload', absent: mloadAbsent, run: overload },
]
