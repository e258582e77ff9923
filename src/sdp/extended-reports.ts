/** Which RTCP extended reports a description asks for (RFC 3611 §5). */

/** Reports that both sides send. */
export interface ExtendedReports {
  /** Reference times and their answers: the round trip of a side that sends no media (§4.4, §4.5). */
  readonly roundTrip: boolean
  /** What each hears of the other (§4.7). */
  readonly voip: boolean
}

/** What we offer. */
export const OFFERED_REPORTS: readonly string[] = ['rcvr-rtt=all', 'voip-metrics']

/** Formats of `a=rtcp-xr` lines among `lines`, as written. */
export const readReports = (lines: readonly string[]): readonly string[] =>
  lines.flatMap(line => /^a=rtcp-xr:(.*)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? [])

/** Those of their formats that we do, without their limits of size. */
export const knownReports = (theirs: readonly string[] = []): readonly string[] =>
  [...new Set(theirs.map(format => format.toLowerCase().replace(/:.*$/, '')).filter(format => /^(rcvr-rtt=(all|sender)|voip-metrics)$/.test(format)))]

/** What formats in force come to; undefined for none. */
export const agreedReports = (formats: readonly string[]): ExtendedReports | undefined => {
  if (formats.length === 0) return undefined
  return { roundTrip: formats.some(format => format.startsWith('rcvr-rtt')), voip: formats.includes('voip-metrics') }
}
