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
import { isCordboardError } from 'cordboard';
const speeches = ['demo-caller-1', 'demo-caller-2', 'demo-caller-3'];
/** Half of the callers go through the menu, the others know the queue's number. */
const routes = [{ number: '701' }, { number: '702' }, { number: '700', key: '1' }, { number: '700', key: '2' }];
/** Milliseconds that a caller listens to the menu before pressing the key. */
const DECISION = 1_500;
const draw = (random) => ({
    from: `sip:+4930${1_000_000 + Math.floor(random.float() * 9_000_000)}@caller.example`,
    ...routes[Math.floor(random.float() * routes.length)],
    speech: speeches[Math.floor(random.float() * speeches.length)],
    patience: 6_000 + random.float() * 14_000,
});
/** One call from its first ring to its end. */
const callIn = async (plan, { phones, target, prompts, isWaiting }) => {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const dialled = await phones.dial(`sip:${plan.number}@${target}`, { from: plan.from });
        if (dialled.type !== 'answered')
            return;
        const call = __addDisposableResource(env_1, dialled.call, true);
        const impatience = setTimeout(() => {
            if (isWaiting(plan.from))
                void call.hangup();
        }, plan.patience);
        try {
            if (plan.key !== undefined) {
                await sleep(DECISION, undefined, { signal: call.signal });
                await call.sendDigits([plan.key]);
            }
            await call.play(prompts.file(plan.speech), { loop: true });
        }
        catch (error) {
            if (!call.signal.aborted && !isCordboardError(error, 'CALL_ENDED'))
                throw error;
        }
        finally {
            clearTimeout(impatience);
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
/** Sends callers at random intervals (a Poisson process) until `signal` aborts; resolves when all of them are done. */
export const sendCallers = async (options, signal) => {
    const calls = new Set();
    while (!signal.aborted) {
        const call = callIn(draw(options.random), options);
        calls.add(call);
        void call.finally(() => calls.delete(call)).catch(() => undefined);
        await sleep(-Math.log(1 - options.random.float()) * options.every, undefined, { signal }).catch(() => undefined);
    }
    await Promise.all(calls);
};
