import { timeOfDay } from '../figures.js'
import type { LiveSample } from '../live-message.js'
import { byId, onWidth, setAttributes, setText, svg } from './dom.js'
import { areaPath, type Frame, linePath, niceTop, type Point } from './plot-scale.js'

export interface Series {
  readonly name: string
  /** Null: there was none in that second. */
  readonly value: (sample: LiveSample) => number | null
}

export interface PlotOptions {
  readonly id: string
  /** The first is the one that counts: it has an area. */
  readonly series: readonly Series[]
  readonly format: (value: number) => string
  /** The scale is never smaller. */
  readonly leastTop: number
  /** What to say about the present, from the newest sample; `value` is large, `unit` beside it. */
  readonly now: (sample: LiveSample | undefined) => {
    readonly value: string
    readonly unit: string
  }
}

const seconds = 120
const height = 132
/** Room above the highest line for its label, and below for the time. */
const above = 16
const below = 20

/** Lines over the last two minutes that move with time. */
export class Plot {
  readonly #options: PlotOptions
  readonly #svg = svg('svg', { class: 'plot-picture', role: 'img', height: above + height + below })
  readonly #moving = svg('g')
  readonly #area = svg('path', { class: 'area' })
  readonly #lines: readonly SVGPathElement[]
  readonly #grid: readonly { readonly line: SVGLineElement; readonly label: SVGTextElement }[]
  readonly #times: readonly SVGTextElement[]
  readonly #value: Element
  readonly #unit: Element
  readonly #cursor = svg('line', { class: 'cursor', y1: above, y2: above + height })
  #samples: LiveSample[] = []
  #width = 0
  /** Where the pointer asks for the past, in seconds before now; null: nowhere. */
  #askedS: number | null = null

  constructor(options: PlotOptions) {
    this.#options = options
    const figure = byId(options.id)
    this.#value = figure.querySelector('.value') ?? figure
    this.#unit = figure.querySelector('.unit') ?? figure
    this.#lines = options.series.map((_, place) => svg('path', { class: `line line-${place}` }))
    this.#grid = [0, 0.5, 1].map(() => ({
      line: svg('line', { class: 'grid' }),
      label: svg('text', { class: 'tick' }),
    }))
    this.#times = ['2 min ago', '1 min', 'now'].map((text) => svg('text', { class: 'tick' }, text))
    this.#moving.append(this.#area, ...[...this.#lines].reverse())
    const window = svg('svg', { class: 'window', y: above - 2, height: height + 4 }, this.#moving)
    const grid = this.#grid.flatMap(({ line, label }) => [line, label])
    this.#svg.append(...grid, ...this.#times, window, this.#cursor)
    figure.append(this.#svg)
    onWidth(figure, (width) => {
      this.#width = width
      this.#draw()
    })
    this.#svg.addEventListener('pointermove', ({ offsetX }) => {
      this.#askedS = seconds * (1 - offsetX / this.#width)
      this.#tell()
    })
    this.#svg.addEventListener('pointerleave', () => {
      this.#askedS = null
      this.#tell()
    })
  }

  add(samples: readonly LiveSample[]): void {
    const last = this.#samples.at(-1)?.at ?? 0
    const fresh = samples.filter(({ at }) => at > last)
    if (fresh.length === 0) return
    // One more than is seen, so that the oldest leaves at the edge.
    this.#samples = [...this.#samples, ...fresh].slice(-seconds - 2)
    this.#draw()
    this.#tell()
    if (fresh.length === 1) this.#slide()
  }

  #draw(): void {
    if (this.#width === 0) return
    const { series, leastTop } = this.#options
    const points = series.map(({ value }) => pointsOf(this.#samples, value))
    const largest = Math.max(0, ...points.flat().map((point) => point.value))
    const top = niceTop(largest, leastTop)
    const frame = { width: this.#width, height, seconds, top }
    setAttributes(this.#svg, {
      width: this.#width,
      viewBox: `0 0 ${this.#width} ${above + height + below}`,
    })
    setAttributes(this.#area, { d: areaPath(points[0] ?? [], frame), transform: 'translate(0 2)' })
    this.#lines.forEach((line, place) => {
      setAttributes(line, { d: linePath(points[place] ?? [], frame), transform: 'translate(0 2)' })
    })
    this.#drawGrid(frame)
    this.#describe(largest)
  }

  #drawGrid({ width, top }: Frame): void {
    this.#grid.forEach(({ line, label }, place) => {
      const part = place / 2
      const y = above + height * (1 - part)
      setAttributes(line, { x1: 0, x2: width, y1: y, y2: y })
      setAttributes(label, { x: 0, y: y - 4 })
      setText(label, place === 0 ? '' : this.#options.format(top * part))
    })
    this.#times.forEach((label, place) => {
      const anchor = ['start', 'middle', 'end'][place] ?? 'start'
      setAttributes(label, {
        x: (width * place) / 2,
        y: above + height + 15,
        'text-anchor': anchor,
      })
    })
  }

  /** The newest second comes in from the edge while it lasts. */
  #slide(): void {
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
    const step = this.#width / seconds
    const frames = [{ transform: `translateX(${step}px)` }, { transform: 'none' }]
    this.#moving.animate(frames, { duration: 1000, easing: 'linear' })
  }

  /** The figures of now, or of the second that the pointer is at. */
  #tell(): void {
    const newest = this.#samples.at(-1)
    const at = this.#askedS === null ? null : (newest?.at ?? 0) - this.#askedS * 1000
    const asked = at === null ? undefined : nearest(this.#samples, at)
    const { value, unit } = this.#options.now(asked ?? newest)
    setText(this.#value, value)
    setText(this.#unit, asked === undefined ? unit : `${unit}, at ${timeOfDay(asked.at)}`)
    const ageS = asked === undefined ? 0 : ((newest?.at ?? 0) - asked.at) / 1000
    const x = this.#width * (1 - ageS / seconds)
    setAttributes(this.#cursor, { x1: x, x2: x, visibility: asked ? 'visible' : 'hidden' })
  }

  #describe(largest: number): void {
    const { now, format } = this.#options
    const { value, unit } = now(this.#samples.at(-1))
    const text = `Now ${value} ${unit}; at most ${format(largest)} in the last two minutes.`
    setAttributes(this.#svg, { 'aria-label': text })
  }
}

/** Undefined where nothing is known. */
function nearest(samples: readonly LiveSample[], at: number): LiveSample | undefined {
  return samples.find((sample) => Math.abs(sample.at - at) <= 750)
}

function pointsOf(samples: readonly LiveSample[], value: Series['value']): readonly Point[] {
  const newest = samples.at(-1)?.at ?? 0
  return samples.flatMap((sample) => {
    const found = value(sample)
    return found === null ? [] : [{ ageS: (newest - sample.at) / 1000, value: found }]
  })
}
