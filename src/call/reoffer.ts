import { CordboardError, isCordboardError } from '../core/errors.js'
import type { Direction, WantedStream } from '../sdp/negotiated.js'
import type { OfferReply, Session } from '../sip/ua/user-agent.js'
import type { CallMedia } from './call-media.js'

/** Status for an offer that cannot be accepted in mid-call (RFC 3261 §14.2). */
export const NOT_ACCEPTABLE_HERE = 488

/** Answers the offer of a re-INVITE or UPDATE; without one, makes ours (its answer comes in the ACK). */
export const answerOffer = async (media: CallMedia, offer: string | undefined): Promise<OfferReply> => {
  try {
    return { type: 'accepted', sdp: offer === undefined ? await media.createOffer(media.wanted) : await media.answer(offer) }
  } catch (error) {
    return { type: 'refused', status: (isCordboardError(error) ? error.status : undefined) ?? NOT_ACCEPTABLE_HERE }
  }
}

/** Changes the direction of our media by re-INVITE. @throws CordboardError `CALL_STATE` when the peer refuses. */
export const redirect = (media: CallMedia, session: Session, direction: Direction): Promise<void> => media.inTurn(async () => {
  const before = media.wanted
  if (before === direction) return
  const reply = await session.reinvite(await media.createOffer(direction))
  if (reply.type === 'accepted') return media.accept(reply.sdp)
  media.rollback(before)
  throw new CordboardError('CALL_STATE', `the peer refused the change to ${direction} with ${reply.status}`, { status: reply.status })
})

/**
 * Offers the peer these side streams and no others, by re-INVITE.
 * @param audio `replaced`: a fax takes its place.
 * @returns true when the peer has accepted the change, with whatever it takes of it; false leaves everything as it was.
 */
export const reofferStreams = (media: CallMedia, session: Session, wanted: readonly WantedStream[], audio: 'on' | 'replaced'): Promise<boolean> => media.inTurn(async () => {
  const { streams } = media
  const before = streams.wanted
  streams.wanted = wanted
  try {
    const reply = await session.reinvite(await media.createOffer(media.wanted, audio))
    if (reply.type === 'accepted') {
      await media.accept(reply.sdp)
      return true
    }
  } catch {
    // The call ends, or its answer is none: the other party sees a refusal.
  } finally {
    streams.trim()
  }
  media.rollback(media.wanted)
  streams.answered(undefined)
  streams.wanted = before
  return false
})
