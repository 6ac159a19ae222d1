/** Where the boxes of this node's actors are, in CSS pixels, and the paths between them. */
export interface TroupeLayout {
  readonly height: number
  readonly boxes: ReadonlyMap<string, Box>
  readonly edges: readonly Edge[]
}

export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Edge {
  readonly from: string
  readonly to: string
  readonly d: string
}

export const boxHeight = 62
/** The box of consensus is at least so high: it shows how far the log is, too. */
const hubHeight = 188
const gap = 12
/** Narrower than this there is one column. */
const threeColumns = 700
const rail = 26
const hub = 'consensus'

/** Actors that give consensus its work; it gives work to all others. */
const sources: readonly string[] = ['clients', 'inbound']

export function troupeLayout(names: readonly string[], width: number): TroupeLayout {
  const before = sources.filter((name) => names.includes(name))
  const behind = names.filter((name) => name !== hub && !sources.includes(name)).sort(byOrder)
  return width >= threeColumns ? columns(before, behind, width) : oneColumn(before, behind, width)
}

const order: readonly string[] = ['log', 'fsm', 'snapshot']

/** The stores first, then the others by name: replicators come and go. */
function byOrder(a: string, b: string): number {
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
  return rank(a) - rank(b) || a.localeCompare(b)
}

function columns(
  before: readonly string[],
  behind: readonly string[],
  width: number,
): TroupeLayout {
  const space = Math.min(110, width * 0.09)
  const boxWidth = (width - 2 * space) / 3
  const rows = Math.max(before.length, behind.length, 1)
  const height = Math.max(hubHeight, rows * boxHeight + (rows - 1) * gap)
  const boxes = new Map<string, Box>()
  const center = { x: boxWidth + space, y: 0, width: boxWidth, height }
  boxes.set(hub, center)
  const column = (names: readonly string[], x: number) => {
    const own = names.length * boxHeight + (names.length - 1) * gap
    names.forEach((name, place) => {
      const y = (height - own) / 2 + place * (boxHeight + gap)
      boxes.set(name, { x, y, width: boxWidth, height: boxHeight })
    })
  }
  column(before, 0)
  column(behind, 2 * (boxWidth + space))
  const across = (left: number, name: string) => {
    const y = middle(boxes.get(name))
    return `M${left + 5} ${y}H${left + space - 5}`
  }
  return {
    height,
    boxes,
    edges: [
      ...before.map((name) => ({ from: name, to: hub, d: across(boxWidth, name) })),
      ...behind.map((name) => ({ from: hub, to: name, d: across(2 * boxWidth + space, name) })),
    ],
  }
}

/** Sources above, then consensus, then the others below it, on a rail at the left. */
function oneColumn(
  before: readonly string[],
  behind: readonly string[],
  width: number,
): TroupeLayout {
  const boxes = new Map<string, Box>()
  let y = 0
  for (const name of [...before, hub, ...behind]) {
    const x = name === hub ? 0 : rail
    const height = name === hub ? hubHeight : boxHeight
    boxes.set(name, { x, y, width: width - x, height })
    y += height + gap
  }
  const top = boxes.get(hub)?.y ?? 0
  const up = (name: string) => `M${rail - 4} ${middle(boxes.get(name))}H12V${top - 4}`
  const down = (name: string) => `M12 ${top + hubHeight + 4}V${middle(boxes.get(name))}H${rail - 4}`
  return {
    height: y - gap,
    boxes,
    edges: [
      ...before.map((name) => ({ from: name, to: hub, d: up(name) })),
      ...behind.map((name) => ({ from: hub, to: name, d: down(name) })),
    ],
  }
}

function middle(box: Box | undefined): number {
  return box === undefined ? 0 : box.y + box.height / 2
}
