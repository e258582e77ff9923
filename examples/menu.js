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
// A voice menu whose answer is checked by the compiler.
//   SIP_PORT=5060 node build/examples/menu.js, then call sip:100@127.0.0.1 and press 1 or 2
import { createServer, defineMenu } from 'cordboard';
const prompts = 'examples/call-center/prompts/en';
const stop = new AbortController();
process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
var server, main;
const env_1 = { stack: [], error: void 0, hasError: false };
try {
    server = __addDisposableResource(env_1, await createServer({ listen: `udp://127.0.0.1:${process.env['SIP_PORT'] ?? '5060'}` }), true);
    main = defineMenu({ prompt: `${prompts}/main-menu.wav`, timeout: 5_000, retries: 2, choices: { 1: 'sales', 2: 'support' } });
    server.handle('sip:100@*', async (call) => {
        await call.answer();
        const answer = await call.ask(main);
        switch (answer.type) {
            case 'chosen': return call.play(`${prompts}/queue-${answer.value}.wav`); // 'sales' | 'support'
            case 'no-match': return call.play(`${prompts}/sorry.wav`);
            case 'no-input': return call.play(`${prompts}/goodbye.wav`);
        }
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
