import { whole } from '../figures.js'
import type { LiveIndexes } from '../live-message.js'
import { padding } from './actor-box.js'
import { setAttributes, setText, svg } from './dom.js'
import { type Box, boxHeight } from './troupe-layout.js'

const rungs: readonly (readonly [keyof LiveIndexes, string])[] = [
  ['lastLog', 'last in the log'],
  ['flushed', 'flushed'],
  ['committed', 'committed'],
  ['applied', 'applied'],
  ['snapshot', 'in a snapshot'],
]

const tallestRung = 34

/** How far this node's log is, in the box of consensus: the indexes, one beneath the other. */
export class IndexLadder {
  readonly root = svg('g', { class: 'ladder' })
  readonly #rungs: Rung[] = []

  constructor() {
    for (const [name, label] of rungs) {
      const line = svg('line', { class: 'grid', x1: padding })
      const value = svg('text', { class: 'figure', 'text-anchor': 'end' })
      const rung = svg('g', {}, line, svg('text', { x: padding }, label), value)
      this.#rungs.push({ name, rung, line, value })
      this.root.append(rung)
    }
  }

  show(indexes: LiveIndexes, { x, y, width, height }: Box): void {
    // They share what the figures of the actor leave, and are in the middle of it.
    const free = height - boxHeight - padding
    const rungHeight = Math.min(tallestRung, free / rungs.length)
    const top = y + boxHeight + (free - rungHeight * rungs.length) / 2
    setAttributes(this.root, { transform: `translate(${x} ${top})` })
    this.#rungs.forEach(({ name, rung, line, value }, place) => {
      setAttributes(rung, { transform: `translate(0 ${(place + 0.5) * rungHeight + 5})` })
      setAttributes(line, { x2: width - padding, y1: -rungHeight / 2 - 5, y2: -rungHeight / 2 - 5 })
      setAttributes(value, { x: width - padding })
      setText(value, whole(indexes[name]))
    })
  }
}

interface Rung {
  readonly name: keyof LiveIndexes
  readonly rung: SVGGElement
  readonly line: SVGLineElement
  readonly value: SVGTextElement
}
