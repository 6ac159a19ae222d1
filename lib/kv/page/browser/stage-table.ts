import { duration } from '../figures.js'
import type { LiveMessage, LiveStage } from '../live-message.js'
import { byId, html, Keyed, setAttributes, setText, svg } from './dom.js'

/** How long the batches that this node proposes take, stage by stage; not there before it proposes one. */
export class StageTable {
  readonly #table = byId('stages')
  readonly #stages: Keyed<StageRow>

  constructor() {
    const body = this.#table.querySelector('tbody')
    if (body === null) throw new Error('the table of stages has no body')
    this.#stages = new Keyed(body, makeStage)
  }

  show({ stages }: LiveMessage): void {
    this.#table.hidden = stages.length === 0
    const longest = Math.max(...stages.map(({ p99Ms }) => p99Ms ?? 0), 0.001)
    this.#stages.keep(stages.map(({ name }) => name)).forEach((row, place) => {
      const stage = stages[place]
      if (stage !== undefined) row.show(stage, longest)
    })
  }
}

interface StageRow {
  readonly root: HTMLElement
  show(stage: LiveStage, longestMs: number): void
}

const barWidth = 120

function makeStage(name: string): StageRow {
  const p50 = html('td', { class: 'number' })
  const p99 = html('td', { class: 'number' })
  const light = svg('rect', { class: 'p99', y: 4, height: 6, rx: 3 })
  const bar = svg('rect', { class: 'p50', y: 4, height: 6, rx: 3 })
  const size = { width: barWidth, height: 14, viewBox: `0 0 ${barWidth} 14` }
  const picture = svg('svg', { ...size, 'aria-hidden': 'true' }, light, bar)
  const root = html('tr', {}, html('th', { scope: 'row' }, name))
  root.append(html('td', {}, picture), p50, p99)
  return {
    root,
    show(stage, longestMs) {
      setText(p50, figure(stage.p50Ms))
      setText(p99, figure(stage.p99Ms))
      setAttributes(light, { width: length(stage.p99Ms, longestMs) })
      setAttributes(bar, { width: length(stage.p50Ms, longestMs) })
    },
  }
}

function figure(ms: number | null): string {
  return ms === null ? '–' : duration(ms)
}

function length(ms: number | null, longestMs: number): number {
  return ms === null ? 0 : Math.max(1, (barWidth * ms) / longestMs)
}
