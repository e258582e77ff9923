import { join } from 'node:path'
import { Child } from '../peers/child.js'
import { ROOT } from '../root.js'

/** A program of `examples/`, as built, running as a process of its own. */
export const launch = (name: string, env: Readonly<Record<string, string>> = {}): Child =>
  new Child(process.execPath, [join(ROOT, 'build', 'examples', `${name}.js`)], { cwd: ROOT, env })

/** The same, once it has said that it is ready. @throws Error with what it printed when it doesn't. */
export const start = async (name: string, env: Readonly<Record<string, string>> = {}): Promise<Child> => {
  const child = launch(name, env)
  try {
    await child.line(/^ready/, 30_000)
    return child
  } catch (error) {
    await child[Symbol.asyncDispose]()
    throw error
  }
}
