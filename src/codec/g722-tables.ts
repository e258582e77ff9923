/** Constant tables of ITU-T G.722 (tables 14 to 20 of the Recommendation). */

/** Decision values of the low band's 60-level quantizer; the first is never reached. */
export const LOW_DECISIONS = Int16Array.of(
  0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612,
  1765, 1980, 2195, 2557, 2919)

/** Codes of negative and positive intervals. */
export const LOW_NEGATIVE = Uint8Array.of(
  0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4)
export const LOW_POSITIVE = Uint8Array.of(
  0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32)

/** Quantized differences of the low band by its four, five and six-bit codes. */
export const INVERSE_16 = Int16Array.of(
  0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0)
export const INVERSE_32 = Int16Array.of(
  -280, -280, -23352, -17560, -14120, -11664, -9752, -8184, -6864, -5712, -4696, -3784, -2960, -2208, -1520, -880,
  23352, 17560, 14120, 11664, 9752, 8184, 6864, 5712, 4696, 3784, 2960, 2208, 1520, 880, 280, -280)
export const INVERSE_64 = Int16Array.of(
  -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
  -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
  24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
  4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136)

/** Magnitude class of each four-bit code, and the step of the logarithmic scale factor that it causes. */
export const LOW_LEVEL = Uint8Array.of(0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0)
export const LOW_STEP = Int16Array.of(-60, -30, 58, 172, 334, 538, 1198, 3042)

/** Bits of the high band in a code, then its tables, as those of the low band. */
export const HIGH_BITS = 2
export const HIGH_INVERSE = Int16Array.of(-7408, -1616, 7408, 1616)
export const HIGH_LEVEL = Uint8Array.of(2, 1, 2, 1)
export const HIGH_STEP = Int16Array.of(0, -214, 798)

/** Powers of two between 2048 and 4096 in steps of 1/32: from the logarithmic scale factor to the linear one. */
export const LOG_TO_LINEAR = Int16Array.from({ length: 32 }, (_, step) => Math.round(2048 * 2 ** (step / 32)))
