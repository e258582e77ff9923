/** Where a channel is silent for longer than 5 ms, in samples. */
export const silences = (channel: Int16Array): readonly { readonly from: number; readonly to: number }[] => {
  const found = []
  for (let from = 0, to = 0; from < channel.length; from = to + 1) {
    for (to = from; to < channel.length && Math.abs(channel[to]!) < 8;) to++
    if (to - from > 40) found.push({ from, to })
  }
  return found
}
