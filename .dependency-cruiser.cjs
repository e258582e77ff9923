// The layers of docs/architecture.md: a row imports only from rows above it; sip and media never meet below call.
const rows = [
  ['core', '^src/core/'],
  ['sip/message', '^src/sip/message/'],
  ['sip/trace', '^src/sip/trace/'],
  ['sip/auth', '^src/sip/auth/'],
  ['sdp', '^src/sdp/'],
  ['codec', '^src/codec/'],
  ['rtp', '^src/rtp/'],
  ['sip/transport', '^src/sip/transport/'],
  ['sip/transaction', '^src/sip/transaction/'],
  ['sip/dialog', '^src/sip/dialog/'],
  ['sip roles', '^src/sip/(ua|registrar|proxy)/'],
  ['media', '^src/media/'],
  ['call', '^src/call/'],
  ['contact', '^src/contact/'],
  ['store', '^src/store/'],
  ['server', '^src/server'],
]
const layers = rows.slice(0, -1).map(([name, path], row) => ({
  name: `${name}-imports-upward`,
  severity: 'error',
  from: { path, pathNot: '/index\\.ts$' },
  to: { path: rows.slice(row + 1).map(([, above]) => above).join('|') },
}))
module.exports = {
  forbidden: [
    ...layers,
    { name: 'sip-never-imports-media', severity: 'error', from: { path: '^src/sip/' }, to: { path: '^src/(media|rtp|codec)/' } },
    { name: 'media-never-imports-sip', severity: 'error', from: { path: '^src/(media|rtp|codec)/' }, to: { path: '^src/sip/' } },
    { name: 'no-import-of-the-curated-indexes', severity: 'error', from: { path: '^src/', pathNot: '/index\\.ts$' }, to: { path: '/index\\.ts$', pathNot: 'node_modules' } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'examples-use-the-public-api', severity: 'error', from: { path: '^examples/' }, to: { path: '^src/' } },
    { name: 'nothing-outside-dependencies', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'unknown'], pathNot: 'node_modules/(@types|@photostructure)/' } },
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'], extensions: ['.ts', '.js', '.json'] } },
}
