import { randomInt } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
const agents = Array.from({ length: 10 }, (_, index) => String(1001 + index));
const supervisor = '1100';
/** Without the characters that are mistaken for one another when read aloud or typed on a phone. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const makePassword = () => Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
/** The password of the data folder; the first start makes it, readable by its owner alone. */
const keptPassword = async (folder) => {
    const file = join(folder, 'demo-password');
    const kept = await readFile(file, 'utf8').catch(() => undefined);
    if (kept !== undefined && kept.trim() !== '')
        return { password: kept.trim(), origin: 'kept' };
    const password = makePassword();
    await mkdir(folder, { recursive: true });
    await writeFile(file, `${password}\n`, { mode: 0o600 });
    return { password, origin: 'made' };
};
/** Opens the demo accounts. */
export const openAccounts = async (settings) => {
    const given = settings.demo.password;
    const { password, origin } = given === undefined ? await keptPassword(settings.data) : { password: given, origin: 'given' };
    const users = new Set([...agents, supervisor]);
    return { agents, supervisor, password, origin, has: user => users.has(user) };
};
