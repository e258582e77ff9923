/** Longest message, in milliseconds. */
const LIMIT = 60_000;
/** Resolves at the first `#`, or when `signal` aborts. */
const hashKey = async (call, signal) => {
    try {
        for await (const { digit } of call.digits({ signal }))
            if (digit === '#')
                return;
    }
    catch (error) {
        if (!signal.aborted)
            throw error;
    }
};
/** 602: records what the caller says up to `#`, then plays it back. */
export const record = (prompts, recordings) => async (call) => {
    await call.answer();
    await call.play([prompts.file('record-intro'), prompts.file('beep')]);
    const recording = await call.record(recordings.file('message', call), { tracks: 'received' });
    await hashKey(call, AbortSignal.timeout(LIMIT));
    await recording.stop();
    await call.play([prompts.file('record-playback'), recording.file, prompts.file('goodbye')]);
};
