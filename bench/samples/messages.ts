/** An offer such as a telephone makes. */
export const SDP = [
  'v=0', 'o=alice 53655765 2353687637 IN IP4 192.0.2.4', 's=-', 'c=IN IP4 192.0.2.4', 't=0 0', 'm=audio 6000 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000', 'a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15', 'a=ptime:20', 'a=sendrecv', '',
].join('\r\n')

const message = (lines: readonly string[], body = ''): Buffer => Buffer.from([...lines, `Content-Length: ${body.length}`, '', body].join('\r\n'))

/** An INVITE such as a telephone sends: 14 header fields and SDP. */
export const invite = message([
  'INVITE sip:answer@192.0.2.1:5060 SIP/2.0', 'Via: SIP/2.0/UDP 192.0.2.4:5061;branch=z9hG4bK-524287-1---d8754z;rport',
  'From: "Alice Smith" <sip:alice@192.0.2.4:5061>;tag=1928301774', 'To: <sip:answer@192.0.2.1:5060>', 'Call-ID: a84b4c76e66710@192.0.2.4', 'CSeq: 1 INVITE',
  'Contact: <sip:alice@192.0.2.4:5061;transport=udp>', 'Max-Forwards: 70', 'User-Agent: Telephone/4.2',
  'Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, SUBSCRIBE, INFO, PRACK, UPDATE', 'Supported: replaces, outbound, gruu',
  'Subject: a call', 'Content-Type: application/sdp',
], SDP)

/** The request that ends it. */
export const bye = message([
  'BYE sip:answer@192.0.2.1:5060 SIP/2.0', 'Via: SIP/2.0/UDP 192.0.2.4:5061;branch=z9hG4bK-524287-3---d8754z;rport',
  'From: "Alice Smith" <sip:alice@192.0.2.4:5061>;tag=1928301774', 'To: <sip:answer@192.0.2.1:5060>;tag=8fq2', 'Call-ID: a84b4c76e66710@192.0.2.4', 'CSeq: 2 BYE',
  'Contact: <sip:alice@192.0.2.4:5061>', 'Max-Forwards: 70',
])
