import { createContactCenter, createRegistrar, createServer, repairRecordings } from 'cordboard';
import { openSqliteStore } from 'cordboard/store/sqlite';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { openAccounts } from './accounts.js';
import { createAdmission } from './admission.js';
import { Board } from './board.js';
import { serveHttp } from './http.js';
import { keepJournal } from './journal.js';
import { openLog } from './log.js';
import { connectNumbers } from './numbers/plan.js';
import { openPrompts } from './prompts.js';
import { openQueues, queueLabels, seatAgents } from './queues.js';
import { openRecordings } from './recordings.js';
const listenAddresses = ({ sip: { host, port } }) => {
    const address = host.includes(':') ? `[${host}]` : host;
    return [`udp://${address}:${port}`, `tcp://${address}:${port}`];
};
/** Domain of the accounts: as set, else how peers address this server. */
const domainOf = ({ sip }) => sip.domain ?? sip.advertise ?? (['0.0.0.0', '::'].includes(sip.host) ? hostname() : sip.host);
const openServer = (settings) => createServer({
    listen: listenAddresses(settings),
    rtpPorts: settings.rtp.ports,
    advertise: {
        ...(settings.sip.advertise === undefined ? {} : { sip: settings.sip.advertise }),
        ...(settings.rtp.advertise === undefined ? {} : { rtp: settings.rtp.advertise }),
    },
    ...(settings.media.workers === undefined ? {} : { workers: settings.media.workers }),
});
/** Starts the call centre: it takes calls when this resolves. */
export const startCallCenter = async (settings) => {
    const prompts = openPrompts(settings.language);
    const recordings = await openRecordings(settings.data);
    const accounts = await openAccounts(settings);
    const log = openLog(settings.data);
    await repairRecordings(recordings.folder);
    const store = await openSqliteStore({ file: join(resolve(settings.data), 'calls.db') });
    const server = await openServer(settings);
    server.on('fault', error => log.logger.error(error));
    const journal = keepJournal(server, store, error => log.logger.error(error));
    const domain = domainOf(settings);
    const aor = (user) => `sip:${user}@${domain}`;
    const registrar = createRegistrar({ domain, password: async (user) => (accounts.has(user) ? accounts.password : undefined), maxExpires: 3_600 });
    server.use(registrar);
    const center = createContactCenter({ server, store });
    const queues = openQueues(center, settings, prompts, recordings);
    const board = new Board(queueLabels(settings), accounts.agents, () => server.clock.now(), id => [...server.calls].find(call => call.id === id)?.from);
    center.on('fact', fact => board.note(fact));
    seatAgents(center, queues, registrar, new Map(accounts.agents.map(user => [user, aor(user)])), settings.agents.wrapUp);
    const admission = createAdmission(accounts, registrar);
    connectNumbers({ server, admission, prompts, queues, recordings, journal, supervisor: accounts.supervisor, aor });
    let draining = false;
    const http = await serveHttp({ settings, server, board, interactions: store, recordings, accounts, draining: () => draining });
    log.logger.info({ addresses: server.addresses, http: http.address }, 'ready');
    return {
        accounts, board, server,
        addresses: [...server.addresses, http.address],
        drain: async (seconds) => {
            draining = true;
            await server.drain({ seconds });
            await center[Symbol.asyncDispose]();
            await store.close();
            await http.close();
            log.logger.info('stopped');
            log.close();
        },
    };
};
