import { isCordboardError } from '../core/errors.js'
import type { OfferReply } from '../sip/ua/user-agent.js'
import type { CallMedia } from './call-media.js'

/** Status for an offer that cannot be accepted in mid-call (RFC 3261 §14.2). */
const NOT_ACCEPTABLE_HERE = 488

/** Answers the offer of a re-INVITE or UPDATE; without one, makes ours (its answer comes in the ACK). */
export const answerOffer = async (media: CallMedia, offer: string | undefined): Promise<OfferReply> => {
  try {
    return { type: 'accepted', sdp: offer === undefined ? await media.createOffer(media.wanted) : await media.answer(offer) }
  } catch (error) {
    return { type: 'refused', status: (isCordboardError(error) ? error.status : undefined) ?? NOT_ACCEPTABLE_HERE }
  }
}
