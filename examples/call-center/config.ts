import { readFileSync } from 'node:fs'
import { LineCounter, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml'
import type { Document, Node, Pair, Scalar } from 'yaml'
import type { z } from 'zod'
import { settingsSchema, unsafe } from './settings.js'
import type { Settings } from './settings.js'

/** Settings that cannot be used; `problems` says where each stands and why. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

type Path = readonly string[]

/** Environment variables, the setting that each overrides, and whether it is a number. */
const variables: readonly { readonly name: string; readonly path: Path; readonly type: 'text' | 'number' }[] = [
  { name: 'SIP_HOST', path: ['sip', 'host'], type: 'text' },
  { name: 'SIP_PORT', path: ['sip', 'port'], type: 'number' },
  { name: 'SIP_ADVERTISE', path: ['sip', 'advertise'], type: 'text' },
  { name: 'SIP_DOMAIN', path: ['sip', 'domain'], type: 'text' },
  { name: 'SIP_T1', path: ['sip', 't1'], type: 'number' },
  { name: 'HTTP_HOST', path: ['http', 'host'], type: 'text' },
  { name: 'HTTP_PORT', path: ['http', 'port'], type: 'number' },
  { name: 'RTP_PORTS', path: ['rtp', 'ports'], type: 'text' },
  { name: 'RTP_ADVERTISE', path: ['rtp', 'advertise'], type: 'text' },
  { name: 'DATA_DIR', path: ['data'], type: 'text' },
  { name: 'DEMO_PASSWORD', path: ['demo', 'password'], type: 'text' },
  { name: 'MEDIA_WORKERS', path: ['media', 'workers'], type: 'number' },
  { name: 'DRAIN_SECONDS', path: ['drainSeconds'], type: 'number' },
  { name: 'PROMPT_LANGUAGE', path: ['language'], type: 'text' },
]

export type Environment = Readonly<Record<string, string | undefined>>

/** The entry of a map with this key, which in the file may be a number: `1001`. */
const pairOf = (map: unknown, key: string): Pair<Scalar, unknown> | undefined =>
  (isMap(map) ? map.items.find((pair): pair is Pair<Scalar, unknown> => isScalar(pair.key) && String(pair.key.value) === key) : undefined)

/** A YAML file that was read: its values, and where each stands. */
class SettingsFile {
  readonly #lines = new LineCounter()
  readonly #document: Document.Parsed

  constructor(readonly name: string, text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    const problems = this.#document.errors.map(error => `${name}:${this.#lines.linePos(error.pos[0]).line}: ${error.message}`)
    if (problems.length > 0) throw new ConfigurationError(problems)
  }

  get values(): unknown {
    return this.#document.toJS()
  }

  /** `FILE:LINE` of the value at `path`, or of the nearest one that contains it. */
  place(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const node = this.#nodeAt(path.slice(0, length))
      if (node?.range) return `${this.name}:${this.#lines.linePos(node.range[0]).line}`
    }
    return `${this.name}:1`
  }

  /** `FILE:LINE` of the key itself: for keys that nobody knows. */
  placeOfKey(path: readonly PropertyKey[], key: string): string {
    const offset = pairOf(this.#nodeAt(path), key)?.key.range?.[0]
    return offset === undefined ? this.place(path) : `${this.name}:${this.#lines.linePos(offset).line}`
  }

  #nodeAt(path: readonly PropertyKey[]): Node | undefined {
    let node: unknown = this.#document.contents
    for (const key of path) node = isSeq(node) ? node.items[Number(key)] : pairOf(node, String(key))?.value
    return isNode(node) ? node : undefined
  }
}

/** A copy of `values` with `value` at `path`. A parent that is no map is left for the schema to refuse. */
const placed = (values: unknown, [key, ...rest]: Path, value: unknown): unknown => {
  if (key === undefined) return value
  if (values !== undefined && values !== null && typeof values !== 'object') return values
  const map = values as Record<string, unknown> | null | undefined
  return { ...map, [key]: placed(map?.[key], rest, value) }
}

const describe = (issue: z.core.$ZodIssue, file: SettingsFile | undefined, given: ReadonlyMap<string, string>): readonly string[] => {
  const setting = issue.path.join('.')
  const variable = given.get(setting)
  if (variable !== undefined) return [`${variable}: ${issue.message}`]
  if (file === undefined) return [`${setting}: ${issue.message}`]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => `${file.placeOfKey(issue.path, key)}: ${[...issue.path, key].join('.')}: no such setting`)
  }
  return [`${file.place(issue.path)}: ${setting === '' ? 'the file' : setting}: ${issue.message}`]
}

/** Reads settings from the text of a YAML file (none: all defaults), overridden by the environment. @throws ConfigurationError */
export const parseSettings = (environment: Environment, yaml?: { readonly name: string; readonly text: string }): Settings => {
  const file = yaml === undefined ? undefined : new SettingsFile(yaml.name, yaml.text)
  const given = new Map<string, string>()
  let values: unknown = file?.values
  for (const { name, path, type } of variables) {
    const text = environment[name]
    if (text === undefined || text === '') continue
    given.set(path.join('.'), name)
    values = placed(values, path, type === 'number' ? Number(text) : text)
  }
  const parsed = settingsSchema.safeParse(values ?? {})
  if (!parsed.success) throw new ConfigurationError(parsed.error.issues.flatMap(issue => describe(issue, file, given)))
  const danger = unsafe(parsed.data)
  if (danger !== undefined) throw new ConfigurationError([danger])
  return parsed.data
}

/** Reads the settings of this process: the file that `CONFIG_FILE` names, if any, and the environment. @throws ConfigurationError */
export const readSettings = (environment: Environment): Settings => {
  const name = environment['CONFIG_FILE']
  if (name === undefined || name === '') return parseSettings(environment)
  let text: string
  try {
    text = readFileSync(name, 'utf8')
  } catch (error) {
    throw new ConfigurationError([`CONFIG_FILE: ${(error as Error).message}`])
  }
  return parseSettings(environment, { name, text })
}
