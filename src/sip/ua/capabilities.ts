/** Methods that a user agent answers: Allow. */
export const ALLOWED_METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY', 'MESSAGE'] as const

export const ALLOW = ALLOWED_METHODS.join(', ')

/** Option tags of what works by itself: Supported. */
export const EXTENSIONS: readonly string[] = ['100rel', 'timer']

export const SUPPORTED = EXTENSIONS.join(', ')
