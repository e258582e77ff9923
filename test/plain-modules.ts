import module from 'node:module'

// Preloaded by `npm test`, before tap's own hooks, which are there for a coverage report that nobody reads. `npx tap --no-disable-coverage` runs with them.

// On Node.js 20 they pass each module of a test file through a thread of their own, and take longer than half of the test files do.
module.register = () => undefined
// They put themselves into every program that a test starts, whatever environment it is given: that would start half as fast, and be another program.
process.env['__TAPJS_PROCESSINFO_TESTING_NO_REGISTER__'] = String(process.pid)
