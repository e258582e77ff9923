import fastifyStatic from '@fastify/static';
import { fastify } from 'fastify';
import { timingSafeEqual } from 'node:crypto';
import { basename } from 'node:path';
import { asset } from './assets.js';
import { isLoopback } from './settings.js';
/** Newest interactions that one answer holds at most. */
const LIMIT = 1_000;
const addApi = (app, { board, interactions }) => {
    app.get('/api/queues', () => board.queues());
    app.get('/api/agents', () => board.agents());
    app.get('/api/interactions', { schema: { querystring: { type: 'object', properties: { limit: { type: 'integer', minimum: 1, maximum: LIMIT, default: 50 } } } } }, async (request) => {
        const records = await interactions.newest(request.query.limit ?? 50);
        return records.map(record => ({ ...record, recordingUrl: record.recording === null ? null : `api/recordings/${encodeURIComponent(basename(record.recording))}` }));
    });
};
const addOperations = (app, { server, draining }) => {
    app.get('/metrics', async (_request, reply) => reply.type(server.metrics.contentType).send(await server.metrics.metrics()));
    app.get('/health', (_request, reply) => (draining() ? reply.code(503).send({ status: 'draining' }) : reply.send({ status: 'ok' })));
};
const addFiles = (app, { recordings }) => {
    app.register(fastifyStatic, { root: asset('web') });
    app.register(fastifyStatic, { root: recordings.folder, prefix: '/api/recordings/', index: false, decorateReply: false });
};
const equal = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
/** Off loopback, everything but `/health` asks for the supervisor's name and password (RFC 7617). */
const guard = (app, { accounts }) => {
    const expected = `Basic ${Buffer.from(`${accounts.supervisor}:${accounts.password}`).toString('base64')}`;
    app.addHook('onRequest', async (request, reply) => {
        if (request.url === '/health' || equal(request.headers.authorization ?? '', expected))
            return;
        await reply.code(401).header('WWW-Authenticate', 'Basic realm="cordboard", charset="UTF-8"').send({ error: 'Unauthorized' });
    });
};
/** Serves the console on the HTTP address of the settings. */
export const serveHttp = async (sources) => {
    const { host, port } = sources.settings.http;
    const app = fastify({ forceCloseConnections: true });
    if (!isLoopback(host))
        guard(app, sources);
    addApi(app, sources);
    addOperations(app, sources);
    addFiles(app, sources);
    const address = await app.listen({ host, port });
    return { address, close: () => app.close() };
};
