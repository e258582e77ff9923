import { secureRandom } from '../core/random.js'
import type { Random } from '../core/random.js'
import type { LocalMedia, NegotiatedMedia } from './negotiated.js'
import { OfferAnswerSession } from './offer-answer-session.js'

/**
 * Offer/answer of one session (RFC 3264) as an explicit state machine: stable, have-local-offer, have-remote-offer.
 * Texts in, texts out; keeps the `o=` version, the order of media lines and the payload-type mappings between rounds.
 */
export interface OfferAnswer {
  readonly state: 'stable' | 'have-local-offer' | 'have-remote-offer'
  /** The agreement in force, undefined before the first round is complete. */
  readonly current: NegotiatedMedia | undefined
  /** Our description as last sent, for a response that must repeat it. */
  readonly localText: string | undefined
  /** Writes an offer. Media lines of earlier rounds stay in place. */
  createOffer(local: LocalMedia): string
  /**
   * Takes the peer's offer and writes the answer: the first acceptable audio line is taken, all others refused with port 0.
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
