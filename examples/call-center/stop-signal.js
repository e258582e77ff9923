/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once, as it would without a listener. */
export const stopSignal = () => new Promise(resolve => {
    const stop = () => {
        process.off('SIGTERM', stop).off('SIGINT', stop);
        resolve();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
});
