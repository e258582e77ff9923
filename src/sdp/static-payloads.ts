/** An encoding that a payload type stands for. */
export interface StaticPayload {
  readonly name: string
  readonly clockRate: number
  readonly channels: number
}

const encoding = (name: string, clockRate: number, channels = 1): StaticPayload => ({ name, clockRate, channels })

/** Static audio payload types (RFC 3551 §6 table 4): they need no rtpmap. */
export const STATIC_AUDIO: ReadonlyMap<number, StaticPayload> = new Map([
  [0, encoding('PCMU', 8000)], [3, encoding('GSM', 8000)], [4, encoding('G723', 8000)], [5, encoding('DVI4', 8000)], [6, encoding('DVI4', 16_000)],
  [7, encoding('LPC', 8000)], [8, encoding('PCMA', 8000)], [9, encoding('G722', 8000)], [10, encoding('L16', 44_100, 2)], [11, encoding('L16', 44_100)],
  [12, encoding('QCELP', 8000)], [13, encoding('CN', 8000)], [14, encoding('MPA', 90_000)], [15, encoding('G728', 8000)], [16, encoding('DVI4', 11_025)],
  [17, encoding('DVI4', 22_050)], [18, encoding('G729', 8000)],
])

/** Static video payload types (RFC 3551 §6 table 5). */
export const STATIC_VIDEO: ReadonlyMap<number, StaticPayload> = new Map([
  [25, encoding('CELB', 90_000)], [26, encoding('JPEG', 90_000)], [28, encoding('NV', 90_000)], [31, encoding('H261', 90_000)], [32, encoding('MPV', 90_000)],
  [33, encoding('MP2T', 90_000)], [34, encoding('H263', 90_000)],
])

/** Payload types whose meaning is made by rtpmap (RFC 3551 §6). */
export const isDynamic = (payloadType: number): boolean => payloadType >= 96 && payloadType <= 127
