import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ROOT } from '../root.js'

/** A page of documentation. */
export interface Page {
  /** Path from the root. */
  readonly path: string
  readonly text: string
}

/** README, and every page under docs. */
export const pages = (): readonly Page[] => {
  const files = readdirSync(join(ROOT, 'docs'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.md')).map(entry => join(entry.parentPath, entry.name))
  return [join(ROOT, 'README.md'), ...files.sort()].map(file => ({ path: relative(ROOT, file), text: readFileSync(file, 'utf8') }))
}

/** The fenced code of a language on a page. */
export const fences = ({ text }: Page, language: string): readonly string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].filter(([, found]) => found === language).map(([, , code]) => code!)

/** Cells of the tables on a page, header and rule left out. */
export const tableRows = ({ text }: Page): readonly (readonly string[])[] =>
  [...text.matchAll(/(?:^\|.*\|\n)+/gm)].flatMap(([table]) => table.trim().split('\n').slice(2).map(row => row.slice(1, -1).split('|').map(cell => cell.trim())))

/** Targets of relative links on a page, anchors left out. */
export const links = ({ text }: Page): readonly string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => target!).filter(target => !/^\w+:/.test(target))
