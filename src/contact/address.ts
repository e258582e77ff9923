import type { Uri } from '../call/call.js'

const ADDRESS = /^(?:sips?):(?:([^@;?>]*)@)?(\[[^\]]*\]|[^;?>:]+)(?::(\d+))?/i

/** Who a SIP URI means, as far as telling agents apart goes. */
export interface Address {
  /** User and host; the host in lower case. */
  readonly key: string
  readonly port: string | undefined
}

/** Reads a URI; anything that isn't `sip:` or `sips:` stands for itself. */
export const addressOf = (uri: Uri): Address => {
  const parts = ADDRESS.exec(uri)
  if (parts === null) return { key: uri, port: undefined }
  return { key: `${parts[1] ?? ''}@${parts[2]!.toLowerCase()}`, port: parts[3] }
}

/** The same user at the same host. A port counts only where both name one: From rarely does, contacts always do. */
export const sameAddress = (a: Address, b: Address): boolean =>
  a.key === b.key && (a.port === undefined || b.port === undefined || a.port === b.port)
