/** An encoding that an audio payload type stands for. */
export interface StaticPayload {
  readonly name: string
  readonly clockRate: number
  readonly channels: number
}

const audio = (name: string, clockRate: number, channels = 1): StaticPayload => ({ name, clockRate, channels })

/** Static audio payload types (RFC 3551 §6 table 4): they need no rtpmap. */
export const STATIC_AUDIO: ReadonlyMap<number, StaticPayload> = new Map([
  [0, audio('PCMU', 8000)], [3, audio('GSM', 8000)], [4, audio('G723', 8000)], [5, audio('DVI4', 8000)], [6, audio('DVI4', 16_000)],
  [7, audio('LPC', 8000)], [8, audio('PCMA', 8000)], [9, audio('G722', 8000)], [10, audio('L16', 44_100, 2)], [11, audio('L16', 44_100)],
  [12, audio('QCELP', 8000)], [13, audio('CN', 8000)], [14, audio('MPA', 90_000)], [15, audio('G728', 8000)], [16, audio('DVI4', 11_025)],
  [17, audio('DVI4', 22_050)], [18, audio('G729', 8000)],
])

/** Payload types whose meaning is made by rtpmap (RFC 3551 §6). */
export const isDynamic = (payloadType: number): boolean => payloadType >= 96 && payloadType <= 127
