/** Bits of a G.726 code: 16, 24, 32 and 40 kbit/s. */
export type G726Bits = 2 | 3 | 4 | 5

/** What the four rates differ in (ITU-T G.726 tables 1 to 12). */
export interface G726Tables {
  /** Decision levels of the logarithmic quantizer, in 1/128 of a factor of two. */
  readonly decisions: Int16Array
  /** Logarithm of the quantized difference for each code; -2048 stands for zero. */
  readonly levels: Int16Array
  /** Multipliers W of the scale factor, times 32. */
  readonly steps: Int32Array
  /** Function F of the speed control, times 512. */
  readonly speeds: Int16Array
}

/** The upper half of the codes holds the negative differences, mirrored. */
const mirrored = (half: readonly number[]): number[] => [...half, ...[...half].reverse()]

const tables = (decisions: readonly number[], levels: readonly number[], multipliers: readonly number[], speeds: readonly number[]): G726Tables => ({
  decisions: Int16Array.from(decisions),
  levels: Int16Array.from(mirrored(levels)),
  steps: Int32Array.from(mirrored(multipliers), multiplier => multiplier * 32),
  speeds: Int16Array.from(mirrored(speeds), speed => speed * 512),
})

/** The tables of each rate, by the bits of a code. */
export const G726_TABLES: Readonly<Record<G726Bits, G726Tables>> = {
  2: tables([261], [116, 365], [-22, 439], [0, 7]),
  3: tables([8, 218, 331], [-2048, 135, 273, 373], [-4, 30, 137, 582], [0, 1, 2, 7]),
  4: tables(
    [-124, 80, 178, 246, 300, 349, 400],
    [-2048, 4, 135, 213, 273, 323, 373, 425],
    [-12, 18, 41, 64, 112, 198, 355, 1122],
    [0, 0, 0, 1, 1, 1, 3, 7]),
  5: tables(
    [-122, -16, 68, 139, 198, 250, 298, 339, 378, 413, 445, 475, 502, 528, 553],
    [-2048, -66, 28, 104, 169, 224, 274, 318, 358, 395, 429, 459, 488, 514, 539, 566],
    [14, 14, 24, 39, 40, 41, 58, 100, 141, 179, 219, 280, 358, 440, 529, 696],
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6]),
}
