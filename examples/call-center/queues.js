import { userOf } from './admission.js';
/** The queues' names and numbers. */
export const queueLabels = ({ queues }) => [
    { name: 'sales', number: '701', answerWithin: queues.sales.answerWithin * 1_000 },
    { name: 'support', number: '702', answerWithin: queues.support.answerWithin * 1_000 },
];
/** Opens both queues. */
export const openQueues = (center, settings, prompts, recordings) => {
    const open = (name) => {
        const { ringFor, maxWait } = settings.queues[name];
        return center.queue(name, {
            strategy: 'longest-idle',
            ringFor: ringFor * 1_000,
            maxWait: maxWait * 1_000,
            hold: prompts.file('hold'),
            record: call => recordings.file('talk', call),
        });
    };
    return { sales: open('sales'), support: open('support') };
};
/** Seats the agents (URI by user) in both queues. An agent is available while a telephone of its is registered. */
export const seatAgents = (center, queues, registrar, uris, wrapUp) => {
    const agents = new Map();
    for (const [user, uri] of uris) {
        const agent = center.agent({ uri, wrapUp: wrapUp * 1_000 });
        queues.sales.add(agent);
        queues.support.add(agent);
        agents.set(user, agent);
    }
    registrar.on('registered', aor => agents.get(userOf(aor))?.setStatus({ type: 'available' }));
    registrar.on('unregistered', aor => agents.get(userOf(aor))?.setStatus({ type: 'logged-out' }));
};
