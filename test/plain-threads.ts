// Preloaded by .taprc: tap's hooks reach every thread by this variable, and each would start four times as slowly for a report that nobody reads.
delete process.env['NODE_OPTIONS']
