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
/** Milliseconds that a person's phone may ring. */
const RING = 30_000;
/** Final response to a caller whose call was not answered (RFC 3261 §21.4). */
const refusals = { busy: 486, rejected: 603, unreachable: 480, 'no-answer': 480, cancelled: 487 };
/** An operator who records each talk: left the caller, right the person called. */
export const createOperator = (recordings, journal) => {
    const connect = async (call, aor) => {
        const env_1 = { stack: [], error: void 0, hasError: false };
        try {
            const dialled = await call.dial(aor, { ringFor: RING, from: call.from });
            if (dialled.type !== 'answered')
                return dialled;
            const other = __addDisposableResource(env_1, dialled.call, true);
            if (call.state === 'early')
                await call.answer();
            const recording = __addDisposableResource(env_1, await call.record(recordings.file('talk', call)), true);
            journal.note(call, { agent: aor, recording: recording.file });
            await call.bridge(other);
            return { type: 'talked' };
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
    return {
        ring: aor => async (call) => {
            const reached = await connect(call, aor(call));
            if (reached.type !== 'talked')
                await call.reject(refusals[reached.type]);
        },
        ringOr: (aor, otherwise) => async (call) => {
            const reached = await connect(call, aor);
            if (reached.type !== 'talked')
                await otherwise(call);
        },
    };
};
