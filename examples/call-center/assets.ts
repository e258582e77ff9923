import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The folder of this program's sources that is called `name` and holds `file`: `tsc` compiles programs to `build/` and copies
 * neither prompts nor pages there, so the search goes up from this file until it meets them.
 * @throws Error when there is none.
 */
export const assetFolder = (name: string, file: string): string => {
  for (let above = dirname(fileURLToPath(import.meta.url)); ; above = dirname(above)) {
    const folder = join(above, 'examples', 'call-center', name)
    if (existsSync(join(folder, file))) return folder
    if (above === dirname(above)) throw new Error(`there is no ${file} in examples/call-center/${name}`)
  }
}
