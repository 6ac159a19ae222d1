import type { Line, Report } from './benchmark.js'
import type { Machine } from './machine.js'

/** What every line of one run has in common. */
export interface Heading {
  readonly bench: string
  readonly settings: Line
  readonly machine: Machine
}

type Write = (text: string) => void

/** One object a line: the benchmark, the value of each flag, figures, the machine. */
export function jsonOutput({ bench, settings, machine }: Heading, write: Write): Report {
  return (line) => write(`${JSON.stringify({ bench, ...settings, ...line, ...machine })}\n`)
}

/** A heading, then a row a line; names of columns wherever they change. */
export function tableOutput({ bench, settings, machine }: Heading, write: Write): Report {
  const { node_version, cpu, cores, disk_flush_ms } = machine
  const flags = Object.entries(settings).map(([name, value]) => `--${name} ${value}`)
  let columns = ''
  write(`${[bench, ...flags].join(' ')}\n`)
  write(`${cpu}, ${cores} cores, Node.js ${node_version}, a flush takes ${disk_flush_ms} ms\n`)
  return (line) => {
    const names = Object.keys(line).join(' ')
    if (names !== columns) write(`\n${row(line, (name) => name)}\n`)
    columns = names
    write(`${row(line, (name) => cell(line[name] ?? null))}\n`)
  }
}

const TEXT_WIDTH = 18

/** Texts to the left, numbers to the right, a column as wide as its name or a long number. */
function row(line: Line, show: (name: string) => string): string {
  const cells = Object.entries(line).map(([name, value]) =>
    typeof value === 'string'
      ? show(name).padEnd(Math.max(name.length, TEXT_WIDTH))
      : show(name).padStart(Math.max(name.length, 9)),
  )
  return cells.join('  ').trimEnd()
}

function cell(value: Line[string]): string {
  if (typeof value !== 'number') return String(value ?? '-')
  return Number.isInteger(value) ? value.toLocaleString('en') : String(value)
}
