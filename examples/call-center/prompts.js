import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asset } from './assets.js';
/** The prompt set of `language`. @throws Error when there is none. */
export const openPrompts = (language) => {
    const folder = join(asset('prompts'), language);
    if (!existsSync(join(folder, 'welcome.wav')))
        throw new Error(`no prompts for the language "${language}": ${folder} has none`);
    const names = { '*': 'star', '#': 'hash' };
    return {
        file: name => join(folder, `${name}.wav`),
        digit: digit => join(folder, `digit-${names[digit] ?? digit.toLowerCase()}.wav`),
    };
};
