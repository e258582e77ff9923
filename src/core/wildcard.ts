/** True for 0.0.0.0 and ::, which stand for all of a host's addresses; no peer can reach them. */
export const isWildcard = (host: string): boolean => host === '0.0.0.0' || host === '::' || host === '::ffff:0.0.0.0'
