/** A call that was answered with a challenge is no call yet (RFC 3261 §22). */
const wasChallenged = (call) => call.endReason?.type === 'rejected' && [401, 407].includes(call.endReason.status);
/** Keeps the journal of a server's incoming calls in `store`. */
export const keepJournal = (server, store, onFault) => {
    const queued = new WeakSet();
    const talks = new WeakMap();
    const write = (call, at, answeredAt) => {
        if (queued.has(call) || wasChallenged(call))
            return;
        const endedAt = server.clock.wall();
        const talk = talks.get(call);
        store
            .append({
            id: call.id, channel: 'voice', at, endedAt, from: call.from, to: call.to, queue: null, waited: null, disposition: null,
            agent: talk?.agent ?? null,
            talked: answeredAt === undefined ? null : endedAt - answeredAt,
            outcome: answeredAt === undefined ? 'missed' : 'answered',
            recording: talk?.recording ?? null,
        })
            .catch(onFault);
    };
    server.on('call', call => {
        const at = server.clock.wall();
        let answeredAt;
        call.once('answered', () => (answeredAt = server.clock.wall()));
        call.once('ended', () => write(call, at, answeredAt));
    });
    return { leaveToQueue: call => void queued.add(call), note: (call, talk) => void talks.set(call, talk) };
};
