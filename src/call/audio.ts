/** What a call can play: a WAV file, live 8 kHz mono PCM, a tone (`'425'`, `'350+440'`, with cadence `'425/500,500'`), words for the speech provider. */
export type Audio =
  | string
  | URL
  | AsyncIterable<Int16Array>
  | { readonly tone: string }
  | { readonly say: string }
