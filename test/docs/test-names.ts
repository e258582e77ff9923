import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../root.js'

/** A test as its source names it; `matches` knows names that a template fills in. */
export interface NamedTest {
  readonly name: string
  readonly file: string
  matches(name: string): boolean
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** Every `t.test` under test/. */
export const namedTests = (): readonly NamedTest[] =>
  readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts')).map(entry => join(entry.parentPath, entry.name))
    .flatMap(file => [...readFileSync(file, 'utf8').matchAll(/\.test\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*?)\1/g)].map(([, , literal]) => {
      const name = literal!.replaceAll(/\\(['"`])/g, '$1')
      const pattern = new RegExp(`^${name.split(/\$\{[^}]*\}/).map(escaped).join('.+')}$`)
      return { name, file, matches: (wanted: string) => wanted === name || pattern.test(wanted) }
    }))
