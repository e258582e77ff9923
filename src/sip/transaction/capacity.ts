import { getHeapStatistics } from 'node:v8'

/** Each lives 32 s on UDP: 4,000 calls a second, with INVITE and BYE, hold 256,000. */
const SERVER_TRANSACTIONS = 400_000

/** What a refused INVITE holds that a stranger never acknowledges. */
const TRANSACTION_BYTES = 4_096

/** Server transactions that half of the heap holds, within bounds. */
export const fittingTransactions = (): number => Math.min(SERVER_TRANSACTIONS, Math.floor(getHeapStatistics().heap_size_limit / 2 / TRANSACTION_BYTES))
