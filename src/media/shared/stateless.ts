import type { Codec } from '../../codec/codec.js'

/**
 * True for a codec that keeps nothing between frames (it hands out one encoder to everybody): payload made once can then be sent to
 * all who hear the same, and cut anywhere.
 */
export const isStateless = (codec: Codec): boolean => codec.createEncoder() === codec.createEncoder()
