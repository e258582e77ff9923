import module from 'node:module'

// Preloaded by `npm test`, before tap's own hooks: on Node.js 20 these pass each module of a test file through a thread of their own, for a coverage
// report that nobody reads, and take longer than half of the test files do. `npx tap --no-disable-coverage` runs with them.
module.register = () => undefined
