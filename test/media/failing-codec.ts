import { pcmu } from '../../src/codec/g711.js'
import type { Codec } from '../../src/codec/codec.js'

/** As PCMU, but nothing can be encoded. */
export const failing: Codec = {
  ...pcmu,
  name: 'X-FAILING',
  payloadType: 98,
  createEncoder: () => ({
    encode: () => {
      throw new Error('no frame today')
    },
  }),
}

export default [failing]
