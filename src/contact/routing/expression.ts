import { CordboardError } from '../../core/errors.js'

/** Levels by skill name; a skill that is absent has level 0. */
export type Skills = Readonly<Record<string, number>>

/** A condition on skills. */
export interface Expression {
  readonly text: string
  matches(skills: Skills): boolean
}

type Test = (skills: Skills) => boolean
type Operator = '>=' | '<=' | '>' | '<' | '==' | '!='
interface Token { readonly text: string; readonly at: number }

const TOKEN = /\s*(>=|<=|==|!=|>|<|\(|\)|\d+(?:\.\d+)?|[\p{L}_][\p{L}\p{N}_-]*|\S)/uy
const NAME = /^[\p{L}_]/u
const RESERVED = new Set(['and', 'or', 'not'])

const comparisons: Record<Operator, (level: number, bound: number) => boolean> = {
  '>=': (level, bound) => level >= bound,
  '<=': (level, bound) => level <= bound,
  '>': (level, bound) => level > bound,
  '<': (level, bound) => level < bound,
  '==': (level, bound) => level === bound,
  '!=': (level, bound) => level !== bound,
}

const isOperator = (text: string | undefined): text is Operator => text !== undefined && Object.hasOwn(comparisons, text)

const tokens = (text: string): Token[] => {
  const found: Token[] = []
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    found.push({ text: match[1]!, at: TOKEN.lastIndex - match[1]!.length })
  }
  return found
}

/** Recursive descent over `or > and > not > primary`. */
class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokens(text)
  }

  whole(): Test {
    const test = this.#either()
    if (this.#peek() !== undefined) this.#fail("'and', 'or' or the end")
    return test
  }

  #either(): Test {
    const tests = [this.#both()]
    while (this.#take('or')) tests.push(this.#both())
    return tests.length === 1 ? tests[0]! : skills => tests.some(test => test(skills))
  }

  #both(): Test {
    const tests = [this.#negation()]
    while (this.#take('and')) tests.push(this.#negation())
    return tests.length === 1 ? tests[0]! : skills => tests.every(test => test(skills))
  }

  #negation(): Test {
    if (!this.#take('not')) return this.#primary()
    const test = this.#negation()
    return skills => !test(skills)
  }

  #primary(): Test {
    if (this.#take('(')) {
      const test = this.#either()
      if (!this.#take(')')) this.#fail("')'")
      return test
    }
    const name = this.#peek()
    if (name === undefined || !NAME.test(name) || RESERVED.has(name)) return this.#fail('a skill')
    this.#next++
    return this.#comparison(name)
  }

  #comparison(name: string): Test {
    const operator = this.#peek()
    if (!isOperator(operator)) return skills => (skills[name] ?? 0) > 0
    this.#next++
    const bound = Number(this.#peek() ?? NaN)
    if (!Number.isFinite(bound)) return this.#fail('a number')
    this.#next++
    const compare = comparisons[operator]
    return skills => compare(skills[name] ?? 0, bound)
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.text
  }

  #take(text: string): boolean {
    if (this.#peek() !== text) return false
    this.#next++
    return true
  }

  #fail(expected: string): never {
    const token = this.#tokens[this.#next]
    const found = token === undefined ? 'the end' : `'${token.text}'`
    const column = (token?.at ?? this.#text.length) + 1
    throw new CordboardError('CONTACT_BAD_EXPRESSION', `expected ${expected} but found ${found} at column ${column} of "${this.#text}"`)
  }
}

/** Conditions read of late: callers ask for the same few again and again. */
const read = new Map<string, Expression>()
const REMEMBERED = 256

/**
 * Reads a condition on skills: names, comparisons with a number, `and`, `or`, `not`, parentheses. A bare name asks for a
 * level above 0.
 * @throws CordboardError `CONTACT_BAD_EXPRESSION`, with what was expected and the column.
 * @example
 * parseExpression('english >= 4 and (billing or sales > 2)').matches({ english: 5, billing: 1 }) // true
 */
export const parseExpression = (text: string): Expression => {
  const known = read.get(text)
  if (known !== undefined) return known
  const expression = { text, matches: new Parser(text).whole() }
  if (read.size >= REMEMBERED) read.clear()
  read.set(text, expression)
  return expression
}
