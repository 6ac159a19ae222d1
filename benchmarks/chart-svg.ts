import type { Summary } from './comparison.js'

/** One group of bars: what is measured, and a bar for each contestant. */
interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
}

interface Bar {
  readonly label: string
  readonly value: number
  /** Between what the rounds lay; null: not kept of this figure. */
  readonly spread: readonly [number, number] | null
}

const WIDTH = 720
const LABELS = 150
const VALUES = 90
const ROW = 22
const GAP = 26
const MARGIN = 16
const OURS = '#2563eb'
const THEIRS = '#94a3b8'

/**
 * Medians of `compare` as bars, a panel for each load: latency with one command in flight, commands a
 * second with more, batches a second of the stores. Thin lines show between what the rounds lay.
 */
export function chartOf(summaries: readonly Summary[], footnote: string): string {
  const parts: string[] = []
  let y = MARGIN
  for (const panel of panelsOf(summaries)) {
    parts.push(drawPanel(panel, y))
    y += heightOf(panel)
  }
  parts.push(label(MARGIN, y + 4, footnote, 'fill="#64748b" font-size="11"'))
  const height = y + MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="13">`,
    '<title>Medians of the comparison</title>',
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

function panelsOf(summaries: readonly Summary[]): readonly Panel[] {
  const loads = new Map<string, Summary[]>()
  for (const summary of summaries) {
    const key = `${summary.part} ${summary.load}`
    loads.set(key, [...(loads.get(key) ?? []), summary])
  }
  return [...loads.values()].map(panelOf)
}

function panelOf(group: readonly Summary[]): Panel {
  const { part, load } = group[0] ?? { part: 'store', load: '' }
  if (part === 'replicated-log' && load.endsWith(' x 1')) {
    const bars = group.map(({ median_of, p50_ms }) => ({
      label: median_of,
      value: p50_ms ?? 0,
      spread: null,
    }))
    return { title: `${load.replace(/ x 1$/, '')}, one in flight: median ms, less is better`, bars }
  }
  const what = part === 'store' ? `${load}: calls a second` : `${inFlight(load)}: commands a second`
  const bars = group.map(({ median_of, ops_s, ops_s_min, ops_s_max }) => ({
    label: median_of,
    value: ops_s,
    spread: [ops_s_min, ops_s_max] as const,
  }))
  return { title: `${what}, more is better`, bars }
}

function inFlight(load: string): string {
  return load.replace(/ x (\d+)$/, ', $1 in flight')
}

function heightOf({ bars }: Panel): number {
  return ROW * (bars.length + 1) + GAP
}

function drawPanel({ title, bars }: Panel, top: number): string {
  const longest = Math.max(...bars.map(({ value, spread }) => spread?.[1] ?? value), 1e-9)
  const scale = (value: number): number => (value / longest) * (WIDTH - LABELS - VALUES - MARGIN)
  const drawn = bars.map((bar, i) => drawBar(bar, top + ROW * (i + 1), scale))
  return [label(MARGIN, top + 10, title, 'font-weight="600"'), ...drawn].join('\n')
}

function drawBar(bar: Bar, y: number, scale: (value: number) => number): string {
  const colour = bar.label.startsWith('troupe') ? OURS : THEIRS
  const end = LABELS + scale(Math.max(bar.value, bar.spread?.[1] ?? 0))
  const parts = [
    label(LABELS - 8, y + 11, bar.label, 'text-anchor="end"'),
    `<rect x="${LABELS}" y="${y}" width="${px(scale(bar.value))}" height="15" fill="${colour}"/>`,
    label(px(end + 6), y + 11, shown(bar.value), ''),
  ]
  if (bar.spread !== null) {
    const [from, to] = bar.spread.map((value) => px(LABELS + scale(value)))
    parts.push(`<path d="M${from} ${y + 7.5}H${to}" stroke="#0f172a" stroke-width="1.5"/>`)
  }
  return parts.join('\n')
}

function label(x: number, y: number, text: string, attributes: string): string {
  const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  return `<text x="${x}" y="${y}" ${attributes}>${escaped}</text>`
}

function px(value: number): number {
  return Number(value.toFixed(1))
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toFixed(2)))
}
