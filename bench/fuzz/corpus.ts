import { bye, invite, SDP } from '../samples/messages.js'

/** Where a message names the dialog, so that mutations reach it: replaced by the tag of the answer. */
export const TAG = '@TAG@'
/** Replaced by the number of the call. */
export const CALL = '@CALL@'

const text = (lines: readonly string[], body = ''): string => [...lines, ...(body === '' ? [] : [`Content-Length: ${body.length}`]), '', body].join('\r\n')

const CLIENT = '10.0.0.9'
const request = (method: string, more: readonly string[] = [], body = '', inDialog = false): string => text([
  `${method} sip:bob@10.0.0.1 SIP/2.0`, `Via: SIP/2.0/UDP ${CLIENT};branch=z9hG4bK${CALL}${method};rport`, 'Max-Forwards: 70',
  'From: "Ann" <sip:ann@10.0.0.9>;tag=f1', `To: <sip:bob@10.0.0.1>${inDialog ? `;tag=${TAG}` : ''}`, `Call-ID: ${CALL}@fuzz`,
  `CSeq: ${inDialog && method !== 'ACK' ? 2 : 1} ${method}`, `Contact: <sip:ann@${CLIENT}>`, ...more,
], body)

const SDP_TYPE = 'Content-Type: application/sdp'
const DIGEST = 'Authorization: Digest username="ann", realm="10.0.0.1", nonce="abc", uri="sip:10.0.0.1", response="00112233445566778899aabbccddeeff", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"'

/** What opens a dialog. */
export const INVITE = request('INVITE', [SDP_TYPE, 'Supported: 100rel, timer, replaces', 'Session-Expires: 90;refresher=uas'], SDP)

/** What follows within it, well-formed. */
export const WITHIN: readonly string[] = [
  request('ACK', [], '', true), request('BYE', ['Reason: Q.850;cause=16;text="ended"'], '', true), request('INVITE', [SDP_TYPE], SDP, true),
  request('UPDATE', ['Session-Expires: 90;refresher=uac', 'Min-SE: 90'], '', true), request('INFO', ['Content-Type: application/dtmf-relay'], 'Signal=5\r\nDuration=160\r\n', true),
  request('REFER', ['Refer-To: <sip:carol@10.0.0.3?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>', 'Referred-By: <sip:ann@10.0.0.9>'], '', true),
  request('PRACK', ['RAck: 1 1 INVITE'], '', true), request('MESSAGE', ['Content-Type: text/plain'], 'hello', true),
  request('NOTIFY', ['Event: refer', 'Subscription-State: active;expires=60', 'Content-Type: message/sipfrag'], 'SIP/2.0 180 Ringing', true),
]

/** Messages outside any dialog. */
export const ALONE: readonly string[] = [
  INVITE, request('OPTIONS', ['Accept: application/sdp, text/*;q=0.5']), request('CANCEL'), request('REGISTER', [DIGEST, 'Expires: 60', 'Path: <sip:edge;lr>']),
  request('SUBSCRIBE', ['Event: presence', 'Expires: 600']),
  request('MESSAGE', ['Content-Type: multipart/mixed;boundary=b'], '--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b--\r\n'),
  request('INVITE', ['Require: 100rel', SDP_TYPE, 'Route: <sip:10.0.0.1;lr>, <sip:[2001:db8::1]:5061;transport=tls;lr>', 'Record-Route: <sip:edge;lr>'], SDP),
  invite.toString(), bye.toString(),
  text(['SIP/2.0 200 OK', `Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1`, 'f: <sip:a@b>;tag=1', 't: <sip:b@c>;tag=2', 'i: c', 'CSeq: 1 INVITE', 'm: *'], SDP),
  text(['SIP/2.0 401 Unauthorized', `Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK2`, 'From: <sip:a@b>;tag=1', 'To: <sip:b@c>;tag=2', 'Call-ID: c', 'CSeq: 1 REGISTER',
    'WWW-Authenticate: Digest realm="a", nonce="b", algorithm=SHA-256, qop="auth,auth-int", Digest realm="c", nonce="d"', 'Retry-After: 18000 (later);duration=3600']),
  'OPTIONS tel:+1-201-555-0123;ext=5 SIP/2.0\r\nv: SIP/2.0/TCP [2001:db8::9]:5060;branch=z9hG4bKfold\r\nSubject: a\r\n folded\r\n\tline\r\nl: 0\r\n\r\n',
]

const HEAD = 'v=0\r\no=fuzz 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n'

/** Session descriptions: audio with keys and reports, video with feedback, text, fax, a browser's. */
export const DESCRIPTIONS: readonly string[] = [
  `${HEAD}m=audio 49170 RTP/AVP 0 8 9 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=maxptime:60\r\na=rtcp:5 IN IP4 192.0.2.1\r\na=rtcp-xr:rcvr-rtt=all:99 voip-metrics\r\na=sendonly\r\n`,
  `${HEAD}m=audio 49170 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32\r\na=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n`,
  `${HEAD}m=audio 4000 RTP/AVP 8\r\nm=video 4002/2 RTP/AVPF 97\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 packetization-mode=1;profile-level-id=42e01f\r\na=rtcp-fb:* nack pli\r\nm=text 4004 RTP/AVP 98 99\r\na=rtpmap:98 t140/1000\r\na=rtpmap:99 red/1000\r\na=fmtp:99 98/98/98\r\nm=image 4006 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n`,
  `${HEAD}a=group:BUNDLE 0\r\na=ice-ufrag:x\r\na=fingerprint:sha-256 AA:BB\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host generation 0\r\na=ssrc:1 cname:x\r\na=extmap:1 urn:x\r\na=mid:0\r\n`,
]
