import type { SipMessage } from '../message/message.js'
import { bodyOfType } from '../message/multipart.js'

/** The session description that a message carries, alone or as a part (RFC 5621); undefined when there is none. */
export const sdpOf = (message: SipMessage): string | undefined => {
  if (message.body.length === 0) return undefined
  const sdp = bodyOfType(message, 'application/sdp')
  return sdp === undefined ? undefined : Buffer.from(sdp.buffer, sdp.byteOffset, sdp.byteLength).toString('utf8')
}

/** A body of SDP. */
export const sdpBody = (sdp: string): { readonly type: string; readonly content: string } => ({ type: 'application/sdp', content: sdp })
