#!/bin/sh
# Makes the prompts of a language from LANGUAGE/prompts.txt, and the sounds that need no words (hold music, beep).
#   usage: make.sh [LANGUAGE] [VOICE]     for example: make.sh en en-us
# Needs espeak-ng and sox; the music needs the compiled programs (npm run build).
set -eu
cd "$(dirname "$0")"
language=${1:-en}
voice=${2:-en-us}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# -20 dBm0 as RMS below full scale: a full-scale sine (-3.01 dB RMS) is +3.17 dBm0 in mu-law (ITU-T G.711, table 2a).
level=-26.18

# shape IN OUT: 8 kHz mono at the telephone's bandwidth, without silence at the ends, at the level above.
shape() {
  sox "$1" -r 8000 -c 1 "$work/band.wav" sinc 200-3500 silence 1 0.01 0.3% reverse silence 1 0.01 0.3% reverse
  rms=$(sox "$work/band.wav" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }')
  gain=$(awk -v level="$level" -v rms="$rms" 'BEGIN { print level - rms }')
  sox "$work/band.wav" -b 16 -e signed-integer "$2" gain "$gain" fade 0.005 0 0.005 pad 0.05 0.15
}

grep -v '^#' "$language/prompts.txt" | while IFS=: read -r name words; do
  espeak-ng -v "$voice" -s 150 -p 42 -g 2 -w "$work/speech.wav" "$words"
  shape "$work/speech.wav" "$language/$name.wav"
done

sox -n -r 8000 -c 1 -b 16 "$work/beep.wav" synth 0.35 sine 1000
shape "$work/beep.wav" "$language/beep.wav"

node ../../../build/examples/call-center/prompts/music.js "$work/music.wav"
sox "$work/music.wav" -e mu-law "$language/hold.wav"
du -sk "$language"
