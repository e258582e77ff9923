import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
/**
 * Composes the hold music: eight bars of broken chords over a soft bass, as 16-bit mono WAV at 8 kHz. Every note rings on
 * past the end into the beginning, so that the loop has no seam.
 *   usage: music.js FILE.wav
 */
const RATE = 8_000;
const BEAT = 0.75;
const BEATS_PER_BAR = 4;
const LEVEL_RMS = 0.049; // -20 dBm0, like the spoken prompts
/** One chord a bar as semitones from A4: C, G/B, Am, F, C/E, F, Dm7, G. */
const bars = [
    [-21, -9, -5, -2, 3], [-22, -10, -7, -2, 2], [-24, -12, -9, -5, 0], [-28, -16, -12, -9, 0],
    [-17, -9, -5, -2, 3], [-28, -16, -12, -9, 3], [-19, -7, -4, 0, 5], [-26, -14, -10, -7, 2],
];
/** Which note of the chord each eighth of the bar plays. */
const pattern = [1, 2, 3, 4, 3, 2, 3, 2];
const frequency = (semitones) => 440 * 2 ** (semitones / 12);
/** Adds a struck tone: three partials, a quick rise, an exponential fall. */
const strike = (loop, at, hertz, strength, fall) => {
    const start = Math.round(at * RATE);
    const length = Math.round(fall * 6 * RATE);
    for (let n = 0; n < length; n++) {
        const t = n / RATE;
        const envelope = strength * (1 - Math.exp(-t / 0.004)) * Math.exp(-t / fall);
        const angle = 2 * Math.PI * hertz * t;
        const wave = Math.sin(angle) + 0.35 * Math.sin(2 * angle) * Math.exp(-t / 0.2) + 0.12 * Math.sin(3 * angle) * Math.exp(-t / 0.08);
        const sample = (start + n) % loop.length;
        loop[sample] = loop[sample] + envelope * wave;
    }
};
const compose = () => {
    const loop = new Float64Array(Math.round(bars.length * BEATS_PER_BAR * BEAT * RATE));
    bars.forEach((chord, bar) => {
        const start = bar * BEATS_PER_BAR * BEAT;
        strike(loop, start, frequency(chord[0]), 0.9, 0.9);
        strike(loop, start + 2 * BEAT, frequency(chord[0]), 0.6, 0.7);
        pattern.forEach((note, eighth) => {
            const accent = eighth === 0 ? 0.75 : eighth % 2 === 0 ? 0.55 : 0.42;
            strike(loop, start + (eighth * BEAT) / 2, frequency(chord[note]), accent, 0.45);
        });
    });
    return loop;
};
const toWav = (samples) => {
    const rms = Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
    const wav = Buffer.alloc(44 + samples.length * 2);
    wav.write('RIFF', 0, 'latin1');
    wav.writeUInt32LE(wav.length - 8, 4);
    wav.write('WAVEfmt ', 8, 'latin1');
    wav.writeUInt32LE(16, 16);
    wav.writeUInt16LE(1, 20);
    wav.writeUInt16LE(1, 22);
    wav.writeUInt32LE(RATE, 24);
    wav.writeUInt32LE(RATE * 2, 28);
    wav.writeUInt16LE(2, 32);
    wav.writeUInt16LE(16, 34);
    wav.write('data', 36, 'latin1');
    wav.writeUInt32LE(samples.length * 2, 40);
    samples.forEach((sample, index) => wav.writeInt16LE(Math.round((sample / rms) * LEVEL_RMS * 32_767), 44 + index * 2));
    return wav;
};
const file = argv[2];
if (file === undefined)
    throw new Error('usage: music.js FILE.wav');
writeFileSync(file, toWav(compose()));
