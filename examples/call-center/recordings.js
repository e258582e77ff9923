import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
/** Opens the folder of recordings under the data folder. */
export const openRecordings = async (data) => {
    const folder = resolve(data, 'recordings');
    await mkdir(folder, { recursive: true });
    return {
        folder,
        file: (kind, call) => {
            const day = new Date().toISOString().replaceAll(/[-:]|\..*/g, '');
            return join(folder, `${day}-${kind}-${call.id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 24)}.wav`);
        },
    };
};
