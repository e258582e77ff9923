/** `cordboard/sdp`: session descriptions, and offer and answer over them. */
export { parseCrypto, formatCrypto, keyLength } from './crypto.js'
export type { CryptoAttribute, CryptoSuite } from './crypto.js'
export { parseDescription } from './description.js'
export type { DescribedCodec, Description, MediaLine, Origin } from './description.js'
export type { ExtendedReports } from './extended-reports.js'
export { directionOf, narrowed, receives, reversed, sends } from './direction.js'
export type {
  CodecOffer, CryptoKeys, Direction, Feedback, HostPort, LocalMedia, LocalStream, NegotiatedCodec, NegotiatedMedia, NegotiatedStream, NegotiatedStreamCodec,
  SrtpPolicy, StreamCodec, StreamKind, WantedStream,
} from './negotiated.js'
export { createOfferAnswer } from './offer-answer.js'
export { relayedOf, wantedOf } from './stream-codecs.js'
export type { OfferAnswer, OfferAnswerOptions } from './offer-answer.js'
