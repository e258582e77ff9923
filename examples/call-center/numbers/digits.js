/** 603: says each key that the caller presses. */
export const digits = (prompts) => async (call) => {
    await call.answer();
    const intro = await call.play(prompts.file('digits-intro'), { interruptBy: 'any' });
    if (intro.type === 'interrupted')
        await call.play(prompts.digit(intro.digit));
    for await (const { digit } of call.digits())
        await call.play(prompts.digit(digit));
};
