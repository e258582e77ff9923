import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
/**
 * The folder of this program's sources, where prompts and pages lie: `tsc` compiles programs to `build/examples/call-center`
 * and copies nothing else, so the search goes up until it meets `examples/call-center` with `name` in it.
 */
export const asset = (name) => {
    for (let folder = dirname(fileURLToPath(import.meta.url));; folder = dirname(folder)) {
        const found = join(folder, 'examples', 'call-center', name);
        if (existsSync(found))
            return found;
        if (folder === dirname(folder))
            throw new Error(`examples/call-center/${name} is missing`);
    }
};
