import { userOf } from './admission.js';
const idleAgent = () => ({ state: 'logged-out', since: 0, interaction: undefined, queue: undefined, answered: 0 });
/** What an agent who is in no call is doing: the status tells, unless it is available. */
const shownState = (status, state) => status.type === 'available' || state === 'talking' || state === 'elsewhere' ? state : status.type;
/**
 * The wall board: queues and agents as a fold over the contact centre's event log, so that each figure is counted once.
 */
export class Board {
    now;
    caller;
    #labels;
    #queues = new Map();
    #agents = new Map();
    /**
     * @param now the contact centre's clock, in ms
     * @param caller the URI of the caller of an interaction
     */
    constructor(labels, agents, now, caller) {
        this.now = now;
        this.caller = caller;
        this.#labels = labels;
        for (const { name } of labels)
            this.#queues.set(name, { waiting: new Map(), answered: 0, abandoned: 0, unserved: 0, inTime: 0, waitedByAnswered: 0 });
        for (const user of agents)
            this.#agents.set(user, idleAgent());
    }
    /** Takes in one entry of the event log. */
    note(fact) {
        if (fact.type === 'agent') {
            const agent = this.#agents.get(userOf(fact.agent));
            if (agent !== undefined)
                Object.assign(agent, { state: shownState(fact.status, fact.state), since: fact.at });
            return;
        }
        if (fact.type === 'agent-removed')
            return;
        this.#noteQueue(fact);
        this.#noteAgent(fact);
    }
    queues() {
        return this.#labels.map(label => this.#view(label, this.#queues.get(label.name)));
    }
    agents() {
        return [...this.#agents].map(([user, agent]) => ({
            user,
            state: agent.state,
            for: agent.state === 'logged-out' ? 0 : this.now() - agent.since,
            caller: agent.interaction === undefined ? null : (this.caller(agent.interaction) ?? null),
            queue: agent.queue ?? null,
            answered: agent.answered,
        }));
    }
    #noteQueue(fact) {
        const counts = this.#queues.get(fact.queue);
        if (counts === undefined)
            return;
        if (fact.type === 'joined')
            counts.waiting.set(fact.interaction, fact.at);
        if (fact.type === 'answered' || fact.type === 'left')
            counts.waiting.delete(fact.interaction);
        if (fact.type === 'answered') {
            counts.answered++;
            counts.waitedByAnswered += fact.waited;
            const target = this.#labels.find(label => label.name === fact.queue).answerWithin;
            if (fact.waited <= target)
                counts.inTime++;
        }
        if (fact.type === 'left' && fact.outcome === 'abandoned')
            counts.abandoned++;
        if (fact.type === 'left' && (fact.outcome === 'timed-out' || fact.outcome === 'overflowed'))
            counts.unserved++;
    }
    #noteAgent(fact) {
        if (!('agent' in fact))
            return;
        const agent = this.#agents.get(userOf(fact.agent));
        if (agent === undefined)
            return;
        const active = fact.type === 'offered' || fact.type === 'answered';
        agent.interaction = active ? fact.interaction : undefined;
        agent.queue = active ? fact.queue : undefined;
        if (fact.type === 'answered')
            agent.answered++;
    }
    #view({ name, number, answerWithin }, counts) {
        const { answered, abandoned, unserved, inTime } = counts;
        const counted = answered + abandoned + unserved;
        const now = this.now();
        return {
            name, number, answerWithin, answered, abandoned, unserved, inTime, counted,
            waiting: [...counts.waiting].map(([interaction, since]) => ({ from: this.caller(interaction) ?? 'unknown', waited: now - since })),
            averageWait: answered === 0 ? 0 : counts.waitedByAnswered / answered,
            serviceLevel: counted === 0 ? null : inTime / counted,
        };
    }
}
