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
// A queue with two agents: callers hear music until one of them answers.
//   SIP_PORT=5060 AGENTS=sip:ann@127.0.0.1:5070,sip:bob@127.0.0.1:5072 node build/examples/queue.js, then call sip:200@127.0.0.1
import { createContactCenter, createServer } from 'cordboard';
const prompts = 'examples/call-center/prompts/en';
const agents = (process.env['AGENTS'] ?? 'sip:ann@127.0.0.1:5070').split(',');
const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
var server, center, billing;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    server = __addDisposableResource(env_1, await createServer({ listen: `udp://127.0.0.1:${process.env['SIP_PORT'] ?? '5060'}` }), true);
    center = __addDisposableResource(env_1, createContactCenter({ server }), true);
    billing = center.queue('billing', { strategy: 'longest-idle', maxWait: 60_000, ringFor: 5_000, hold: `${prompts}/hold.wav` });
    for (const uri of agents) {
        const agent = center.agent({ uri, wrapUp: 1_000 });
        billing.add(agent);
        agent.setStatus({ type: 'available' });
    }
    server.handle('sip:200@*', async (call) => {
        await call.answer();
        const outcome = await billing.enter(call);
        if (outcome.type === 'timed-out')
            await call.play(`${prompts}/nobody-free.wav`);
    });
    console.log('ready', ...server.addresses);
    await server.closed({ signal: stop.signal });
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
