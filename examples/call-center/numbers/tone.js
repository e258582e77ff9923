/** 601: a tone of 1004 Hz, by which levels are measured on telephone lines (ITU-T O.9), until the caller hangs up. */
export const tone = async (call) => {
    await call.answer();
    await call.play({ tone: '1004' }, { loop: true });
};
