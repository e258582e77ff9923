/** A message as sipp's `-trace_msg` noted it. */
export interface LoggedMessage {
  /** Milliseconds since 1970, of this machine's local time. */
  readonly at: number
  readonly direction: 'sent' | 'received'
  /** The method of a request; the status of a response. */
  readonly start: string
  readonly callId: string
  /** User of the From URI. */
  readonly from: string
  readonly cseqMethod: string
}

const BLOCK = /^-{20,} (\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}\.\d+)\n\w+ message (sent|received)[^\n]*\n\n/gm

const header = (text: string, name: string): string => new RegExp(`^${name}: *(.*?)\\r?$`, 'im').exec(text)?.[1] ?? ''

const messageOf = (at: number, direction: LoggedMessage['direction'], text: string): LoggedMessage => ({
  at, direction,
  start: /^SIP\/2\.0 (\d+)/.exec(text)?.[1] ?? text.slice(0, text.indexOf(' ')),
  callId: header(text, 'Call-ID'),
  from: /sips?:([^@>]*)@/.exec(header(text, 'From'))?.[1] ?? '',
  cseqMethod: header(text, 'CSeq').split(' ')[1] ?? '',
})

/** Reads a log in the order in which it was written. */
export const parseMessageLog = (log: string): readonly LoggedMessage[] => {
  const heads = [...log.matchAll(BLOCK)]
  return heads.map((head, index) => {
    const [whole, day, time, direction] = head
    const text = log.slice(head.index + whole.length, heads[index + 1]?.index)
    return messageOf(Date.parse(`${day}T${time!.slice(0, 12)}`) + Number(`0.${time!.slice(12) || 0}`), direction as LoggedMessage['direction'], text)
  })
}
