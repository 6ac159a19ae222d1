/** Where the circles of the cluster's picture are, in CSS pixels. */
export interface ClusterLayout {
  readonly height: number
  readonly radius: number
  readonly places: ReadonlyMap<string, Place>
}

export interface Place {
  readonly x: number
  readonly y: number
  /** It stands above the others, and is labelled beside it. */
  readonly top: boolean
}

const radius = 27
const firstY = 38
const rowHeight = 132
const labelHeight = 46
const narrowest = 92
const widest = 190

/** One on top, the others below in as many rows as they need. */
export function clusterLayout(ids: readonly string[], top: string | null, width: number) {
  const others = ids.filter((id) => id !== top)
  const perRow = Math.max(1, Math.min(others.length, Math.floor(width / narrowest)))
  const rows = Math.max(1, Math.ceil(others.length / perRow))
  const places = new Map<string, Place>()
  if (top !== null && ids.includes(top)) places.set(top, { x: width / 2, y: firstY, top: true })
  others.forEach((id, place) => {
    const row = Math.floor(place / perRow)
    const inRow = Math.min(perRow, others.length - row * perRow)
    const step = Math.min(widest, width / inRow)
    const x = width / 2 + (place - row * perRow - (inRow - 1) / 2) * step
    places.set(id, { x, y: firstY + (row + 1) * rowHeight - (row > 0 ? row * 20 : 0), top: false })
  })
  const height = firstY + rows * rowHeight - (rows - 1) * 20 + radius + labelHeight
  return { height, radius, places } satisfies ClusterLayout
}

/** From the edge of one circle to that of another, leaving and arriving a little apart from both. */
export function linkPath(from: Place, to: Place, distance: number): string {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1
  const dx = ((to.x - from.x) / length) * distance
  const dy = ((to.y - from.y) / length) * distance
  return `M${round(from.x + dx)} ${round(from.y + dy)}L${round(to.x - dx)} ${round(to.y - dy)}`
}

function round(value: number): string {
  return value.toFixed(1)
}
