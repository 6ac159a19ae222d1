/** The least of 1, 2, 5, 10, 20, 50, … that is not below what is shown. */
export function niceTop(largest: number, least: number): number {
  const wanted = Math.max(largest, least)
  const power = 10 ** Math.floor(Math.log10(wanted))
  const step = [1, 2, 5, 10].find((one) => one * power >= wanted * 0.999_999) ?? 10
  return step * power
}

export interface Point {
  /** Seconds before the newest. */
  readonly ageS: number
  readonly value: number
}

export interface Frame {
  readonly width: number
  readonly height: number
  readonly seconds: number
  readonly top: number
}

/** Longest pause between two samples that a line is drawn over. */
const longestPauseS = 2.5

/** The line through these points, oldest first, broken where there is nothing for a while. */
export function linePath(points: readonly Point[], frame: Frame): string {
  let path = ''
  let before: Point | null = null
  for (const point of points) {
    const breaks = before === null || before.ageS - point.ageS > longestPauseS
    path += `${breaks ? 'M' : 'L'}${place(point, frame)}`
    before = point
  }
  return path
}

/** What is between that line and zero. */
export function areaPath(points: readonly Point[], frame: Frame): string {
  return runsOf(points)
    .map((run) => {
      const first = run[0]
      const last = run.at(-1)
      if (first === undefined || last === undefined) return ''
      const base = (point: Point) => place({ ...point, value: 0 }, frame)
      return `M${base(first)}${run.map((point) => `L${place(point, frame)}`).join('')}L${base(last)}Z`
    })
    .join('')
}

function runsOf(points: readonly Point[]): readonly (readonly Point[])[] {
  const runs: Point[][] = []
  for (const point of points) {
    const run = runs.at(-1)
    const before = run?.at(-1)
    if (run === undefined || before === undefined || before.ageS - point.ageS > longestPauseS) {
      runs.push([point])
    } else run.push(point)
  }
  return runs
}

function place({ ageS, value }: Point, { width, height, seconds, top }: Frame): string {
  const x = width * (1 - ageS / seconds)
  const y = height * (1 - Math.min(value, top) / top)
  return `${x.toFixed(1)} ${y.toFixed(1)}`
}
