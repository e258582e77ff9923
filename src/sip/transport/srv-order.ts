import type { Random } from '../../core/random.js'

export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Records by priority, and within one drawn at random by weight (RFC 2782). */
export const bySrv = (records: readonly SrvRecord[], random: Random): readonly SrvRecord[] => {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b)
  return priorities.flatMap(priority => drawn(records.filter(record => record.priority === priority), random))
}

const drawn = (records: readonly SrvRecord[], random: Random): readonly SrvRecord[] => {
  // Weight 0 first, so that it keeps a small chance.
  const left = [...records].sort((a, b) => a.weight - b.weight)
  const order: SrvRecord[] = []
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0)
    let point = Math.floor(random.float() * (total + 1))
    const at = left.findIndex(({ weight }) => (point -= weight) <= 0)
    order.push(...left.splice(at, 1))
  }
  return order
}
