import { writeFileSync } from 'node:fs'
import { figure, RESULTS, type Column, type Report, type Row } from './report.js'

const escape = (text: string): string => text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)

/** Horizontal bars of one column, as an SVG drawing. */
const bars = (rows: readonly Row[], name: Column, column: Column): string => {
  const values = rows.map(row => Number(row[column.key] ?? 0))
  const longest = Math.max(...values, Number.MIN_VALUE)
  const height = 22
  const lines = rows.map((row, at) => {
    const width = (values[at]! / longest) * 420
    const y = at * height
    return `<text x="290" y="${y + 15}" text-anchor="end">${escape(String(row[name.key]))}</text>`
      + `<rect x="300" y="${y + 3}" width="${width.toFixed(1)}" height="16" rx="2"/>`
      + `<text x="${(306 + width).toFixed(1)}" y="${y + 15}">${figure(values[at])}</text>`
  })
  return `<figure><figcaption>${escape(column.title)}</figcaption><svg viewBox="0 0 800 ${rows.length * height}" role="img">${lines.join('')}</svg></figure>`
}

const section = (report: Report): string => {
  const { machine, columns, rows } = report
  const head = columns.map(column => `<th>${escape(column.title)}</th>`).join('')
  const body = rows.map(row => `<tr>${columns.map(({ key }) => `<td>${escape(figure(row[key]))}</td>`).join('')}</tr>`).join('')
  const plots = columns.filter(column => column.plotted === true).map(column => bars(rows, columns[0]!, column)).join('')
  return `<section><h2>${escape(report.title)}</h2><p>${escape(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node}, ${machine.date} UTC`)}</p>`
    + `${plots}<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></section>`
}

const STYLE = `:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}body{max-width:56rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:right;padding:.2rem .6rem;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}figure{margin:1rem 0}svg{width:100%}svg rect{fill:#3b82c4}svg text{font-size:12px;fill:currentColor}`

/** Writes `bench/results/index.html`: every table with its plots, in one file that needs nothing else. */
export const savePage = (reports: readonly Report[]): string => {
  const file = `${RESULTS}index.html`
  writeFileSync(file, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Cordboard benches</title>
<style>${STYLE}</style><h1>Cordboard benches</h1>${reports.map(section).join('\n')}</html>\n`)
  return file
}
