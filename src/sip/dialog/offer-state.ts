/** Where the exchange of session descriptions stands (RFC 3264 §4, RFC 6337 §2). */
export type OfferState = 'idle' | 'local-offer' | 'remote-offer' | 'stable'
export type OfferInput = 'send-offer' | 'receive-offer' | 'send-answer' | 'receive-answer' | 'withdraw'
/** `glare`: both sides offer at once (491); `busy`: one side offers again before its first offer has its answer (500 with Retry-After). */
export type OfferCell = OfferState | 'glare' | 'busy' | 'impossible'

/** Every order of offer and answer; `withdraw`: a refused or failed offer leaves what was agreed before. */
export const offerTable = {
  idle: { 'send-offer': 'local-offer', 'receive-offer': 'remote-offer', 'send-answer': 'impossible', 'receive-answer': 'impossible', withdraw: 'idle' },
  'local-offer': { 'send-offer': 'busy', 'receive-offer': 'glare', 'send-answer': 'impossible', 'receive-answer': 'stable', withdraw: 'stable' },
  'remote-offer': { 'send-offer': 'glare', 'receive-offer': 'busy', 'send-answer': 'stable', 'receive-answer': 'impossible', withdraw: 'stable' },
  stable: { 'send-offer': 'local-offer', 'receive-offer': 'remote-offer', 'send-answer': 'impossible', 'receive-answer': 'impossible', withdraw: 'stable' },
} as const satisfies Record<OfferState, Record<OfferInput, OfferCell>>

/** The next state, or why the input must not happen now. */
export const offerStep = (state: OfferState, input: OfferInput): OfferCell => offerTable[state][input]

/** True for a state, false where the input must not happen. */
export const isOfferState = (cell: OfferCell): cell is OfferState => cell !== 'glare' && cell !== 'busy' && cell !== 'impossible'
