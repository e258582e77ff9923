/**
 * What a call can play: the path or `file:` URL of a WAV file, live mono PCM at 8 kHz, a tone, or words for the server's speech provider.
 *
 * A tone is `FREQUENCY[+FREQUENCY…][@LEVEL][/ON,OFF,…]` in Hz, dBm0 (-16 unless given) and ms: `425`, `350+440@-13`, `425/500,500`.
 */
export type Audio =
  | string
  | URL
  | AsyncIterable<Int16Array>
  | { readonly tone: string }
  | { readonly say: string }
