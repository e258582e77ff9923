/** 600: the caller hears itself. */
export const echo = async (call) => {
    await call.answer();
    await call.echo();
};
