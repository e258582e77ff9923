/** 701 and 702: waits for an agent. Meanwhile the queue plays its music; it also records the talk and writes its record. */
export const enterQueue = (queue, welcome, prompts, journal) => async (call) => {
    if (call.state === 'early')
        await call.answer();
    await call.play([prompts.file(welcome), prompts.file('please-hold')]);
    journal.leaveToQueue(call);
    const outcome = await queue.enter(call);
    if (outcome.type === 'timed-out' || outcome.type === 'overflowed') {
        await call.play([prompts.file('nobody-free'), prompts.file('goodbye')]);
    }
};
