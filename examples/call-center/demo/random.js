/** A reproducible sequence (mulberry32): equal seeds give equal sequences. */
export const seeded = (seed) => {
    let state = seed >>> 0;
    return {
        float: () => {
            state = (state + 0x6d2b79f5) >>> 0;
            let mixed = Math.imul(state ^ (state >>> 15), state | 1);
            mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
            return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
        },
    };
};
