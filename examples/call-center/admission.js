/** The user part of a SIP URI. */
export const userOf = (uri) => /^sips?:([^@;?:]+)/.exec(uri)?.[1] ?? '';
/**
 * Admission by digest. An account is known by the user part of From alone, whatever its host, so that no caller passes for a
 * colleague by writing another of this machine's names.
 */
export const createAdmission = (accounts, registrar) => {
    const proven = (handler) => async (call) => {
        const user = await registrar.authenticate(call);
        if (user === undefined)
            return;
        const claimed = userOf(call.from);
        if (accounts.has(claimed) && claimed !== user)
            return call.reject(403);
        return handler(call);
    };
    return {
        everyone: handler => {
            const checked = proven(handler);
            return (call) => (accounts.has(userOf(call.from)) ? checked(call) : handler(call));
        },
        accounts: proven,
    };
};
