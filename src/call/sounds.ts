import { fileURLToPath } from 'node:url'
import { CordboardError } from '../core/errors.js'
import type { Source } from '../media/leg.js'
import type { Audio } from './audio.js'

/** Turns words into audio: the application's text-to-speech. PCM is 8 kHz mono; a string is the path of a WAV file. */
export type SpeechProvider = (text: string) => Promise<AsyncIterable<Int16Array> | string>

/** Sampling rate of PCM that an application plays or gets unless it says otherwise, in Hz. */
const PCM_RATE = 8_000

/** What the media engine plays for `audio`, in order. */
export const sourcesOf = async (audio: Audio | readonly Audio[], speech: SpeechProvider | undefined): Promise<Source[]> =>
  Promise.all((isList(audio) ? audio : [audio]).map(one => sourceOf(one, speech)))

const isList = (audio: Audio | readonly Audio[]): audio is readonly Audio[] => Array.isArray(audio)

const sourceOf = async (audio: Audio, speech: SpeechProvider | undefined): Promise<Source> => {
  if (typeof audio === 'string') return { type: 'file', path: audio }
  if (audio instanceof URL) return { type: 'file', path: fileURLToPath(audio) }
  if ('tone' in audio) return toneOf(audio.tone)
  if (!('say' in audio)) return { type: 'pcm', frames: audio, rate: PCM_RATE }
  if (speech === undefined) {
    throw new CordboardError('OPTIONAL_PACKAGE_MISSING', `nothing can say '${audio.say}': give createServer a speech provider`)
  }
  const spoken = await speech(audio.say)
  return typeof spoken === 'string' ? { type: 'file', path: spoken } : { type: 'pcm', frames: spoken, rate: PCM_RATE }
}

/**
 * Reads `FREQUENCY[+FREQUENCY…][@DBM0][/ON,OFF,…]`: frequencies in Hz, level in dBm0, cadence in ms.
 * @throws CordboardError `SERVER_BAD_OPTION`.
 */
export const toneOf = (text: string): Source => {
  const match = /^(\d+(?:\+\d+)*)(?:@(-?\d+(?:\.\d+)?))?(?:\/(\d+(?:,\d+)*))?$/.exec(text.replaceAll(' ', ''))
  if (match === null) throw new CordboardError('SERVER_BAD_OPTION', `'${text}' is no tone: write 425, 350+440 or 425@-10/1000,4000`)
  const [, frequencies = '', level, cadence] = match
  return {
    type: 'tone',
    frequencies: frequencies.split('+').map(Number),
    ...(level === undefined ? {} : { dbm0: Number(level) }),
    ...(cadence === undefined ? {} : { cadence: cadence.split(',').map(Number) }),
  }
}

/** What a caller hears while the called party rings (ITU-T E.180: 425 Hz, 1 s on, 4 s off). */
export const RINGING_TONE = '425/1000,4000'
