/** Takes one out of those who look on; undefined where nobody is left, as is usual: then there is nothing more to be looked at. */
export const without = <T>(taps: T[] | undefined, tap: T): T[] | undefined => {
  const at = taps?.indexOf(tap) ?? -1
  if (at >= 0) taps!.splice(at, 1)
  return taps?.length === 0 ? undefined : taps
}
