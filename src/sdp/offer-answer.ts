import { secureRandom } from '../core/random.js'
import type { Random } from '../core/random.js'
import type { MediaLine } from './description.js'
import type { LocalMedia, NegotiatedMedia, NegotiatedStream } from './negotiated.js'
import { OfferAnswerSession } from './offer-answer-session.js'

/**
 * Offer/answer of one session (RFC 3264) as an explicit state machine: stable, have-local-offer, have-remote-offer.
 * Texts in, texts out; keeps the `o=` version, the order of media lines and the payload-type mappings between rounds.
 */
export interface OfferAnswer {
  readonly state: 'stable' | 'have-local-offer' | 'have-remote-offer'
  /** The agreement in force, undefined before the first round is complete. */
  readonly current: NegotiatedMedia | undefined
  /** The side streams in force: video, text, fax. */
  readonly streams: readonly NegotiatedStream[]
  /** The peer's media lines, in the latest of its descriptions that was taken. */
  readonly theirs: readonly MediaLine[]
  /** Our description as last sent, for a response that must repeat it. */
  readonly localText: string | undefined
  /** Writes an offer. Media lines of earlier rounds stay in place; those that nobody wants now have port 0 (RFC 3264 §8). */
  createOffer(local: LocalMedia): string
  /**
   * Takes the peer's offer and writes the answer: the first acceptable audio line is taken, of the others those that
   * `local.streams` has too; all else is refused with port 0. An offer of fax alone silences the audio of a later round.
   * @throws CordboardError `MEDIA_NO_COMMON_CODEC` (488), `SDP_BAD_DESCRIPTION` (400).
   */
  answer(offer: string, local: LocalMedia): { readonly text: string; readonly media: NegotiatedMedia }
  /**
   * Takes the peer's answer to our offer. May be called again for the same offer: after an early answer (183) comes the final one,
   * perhaps of another fork; the last counts. @throws CordboardError as `answer`.
   */
  accept(answer: string): NegotiatedMedia
  /** Forgets our pending offer (refused, or lost to glare): back to the agreement in force. */
  rollback(): void
}

export interface OfferAnswerOptions {
  /** Draws the session id. @default secureRandom */
  readonly random?: Random
  /** User name of the `o=` line: no spaces. @default '-' */
  readonly username?: string
}

/** Offer and answer of a new session. */
export const createOfferAnswer = (options: OfferAnswerOptions = {}): OfferAnswer => new OfferAnswerSession(options.random ?? secureRandom, options.username ?? '-')
