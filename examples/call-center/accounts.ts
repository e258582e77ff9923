import { randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from './settings.js'

/** Who may register and call out: the agents with phones of their own, and a supervisor. They share one password, but for agents with their own. */
export interface Accounts {
  /** Users. */
  readonly agents: readonly string[]
  readonly supervisor: string
  readonly password: string
  /** Whether the password was made just now, kept from an earlier start, or given by the settings. */
  readonly origin: 'made' | 'kept' | 'given'
  has(user: string): boolean
  /** Undefined for who has no account. */
  passwordOf(user: string): string | undefined
  /** From now on these settings say who has an account. */
  revise(settings: Settings): void
}

const supervisor = '1100'

/** Without the characters that are mistaken for one another when read aloud or typed on a phone. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

const makePassword = (): string => Array.from({ length: 12 }, () => LETTERS[randomInt(LETTERS.length)]).join('')

/** The password of the data folder; the first start makes it, readable by its owner alone. */
const keptPassword = async (folder: string): Promise<{ readonly password: string; readonly origin: 'made' | 'kept' }> => {
  const file = join(folder, 'demo-password')
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined && kept.trim() !== '') return { password: kept.trim(), origin: 'kept' }
  const password = makePassword()
  await mkdir(folder, { recursive: true })
  await writeFile(file, `${password}\n`, { mode: 0o600 })
  return { password, origin: 'made' }
}

const passwordsOf = ({ agents }: Settings, usual: string): ReadonlyMap<string, string> => new Map([
  ...Object.entries(agents.people).filter(([, { uri }]) => uri === undefined).map(([user, { password }]) => [user, password ?? usual] as const),
  [supervisor, usual],
])

/** Opens the accounts. */
export const openAccounts = async (settings: Settings): Promise<Accounts> => {
  const given = settings.demo.password
  const { password, origin } = given === undefined ? await keptPassword(settings.data) : { password: given, origin: 'given' as const }
  let passwords = passwordsOf(settings, password)
  return {
    supervisor, password, origin,
    get agents() { return [...passwords.keys()].filter(user => user !== supervisor) },
    has: user => passwords.has(user),
    passwordOf: user => passwords.get(user),
    revise: revised => void (passwords = passwordsOf(revised, password)),
  }
}
