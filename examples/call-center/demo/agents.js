var __addDisposableResource = (this && this.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (this && this.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});
import { setTimeout as sleep } from 'node:timers/promises';
import { createUserAgent } from 'cordboard/sip';
const greetings = ['demo-agent-1', 'demo-agent-2'];
/** One call in fifteen rings out, so that the next agent is tried. */
const draw = (random) => ({
    picksUp: random.float() > 1 / 15,
    ringing: 800 + random.float() * 2_000,
    talking: 4_000 + random.float() * 5_000,
});
const takeCall = async (call, manner, greeting, speech) => {
    await call.progress();
    await sleep(manner.picksUp ? manner.ringing : 60_000, undefined, { signal: call.signal });
    await call.answer();
    const talk = AbortSignal.timeout(manner.talking);
    try {
        await call.play(greeting, { signal: talk });
        await call.play(speech, { loop: true, signal: talk });
    }
    catch (error) {
        if (!talk.aborted)
            throw error;
    }
};
/** Registers each agent's telephone (RFC 3261 §10, digest) and answers what it is offered; the agent hangs up. */
export const signInAgents = async ({ phones, target, users, password, prompts, random }) => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        for (const user of users) {
            phones.handle(`sip:${user}@*`, async (call) => {
                try {
                    await takeCall(call, draw(random), prompts.file(greetings[Math.floor(random.float() * greetings.length)]), prompts.file('demo-agent-3'));
                }
                catch (error) {
                    if (!call.signal.aborted)
                        throw error;
                }
            });
        }
        const lines = __addDisposableResource(env_1, await createUserAgent({ listen: ['udp://127.0.0.1:0'], clock: phones.clock }), true);
        const [address] = phones.addresses;
        for (const user of users) {
            const outcome = await lines.request('REGISTER', `sip:${target}`, {
                from: `sip:${user}@${target}`,
                to: `sip:${user}@${target}`,
                headers: { Contact: `<sip:${user}@${address.replace(/^udp:\/\//, '')}>`, Expires: '3600' },
                credentials: { username: user, password },
            });
            const status = outcome.type === 'response' ? outcome.response.status : outcome.type;
            if (status !== 200)
                throw new Error(`agent ${user} could not register: ${status}`);
        }
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = __disposeResources(env_1);
        if (result_1)
            await result_1;
    }
};
