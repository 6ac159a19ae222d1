import t from 'tap'
import { clusterLayout, linkPath } from '../../../../lib/kv/page/browser/cluster-layout.js'
import { areaPath, linePath, niceTop } from '../../../../lib/kv/page/browser/plot-scale.js'
import { type Box, troupeLayout } from '../../../../lib/kv/page/browser/troupe-layout.js'

const phone = 328

t.test('the leader stands above the others, which share rows that fit the width', async (t) => {
  const ids = Array.from({ length: 9 }, (_, i) => `n${i + 1}`)
  for (const width of [phone, 352, 1000]) {
    const { places, height, radius } = clusterLayout(ids, 'n4', width)
    t.equal(places.size, 9)
    t.match(places.get('n4'), { top: true, x: width / 2 })
    for (const [id, { x, y }] of places) {
      t.ok(x >= radius && x <= width - radius && y + radius < height, `${id} in ${width}`)
    }
    const apart = [...places.values()].every((a, i, all) =>
      all.slice(i + 1).every((b) => Math.hypot(a.x - b.x, a.y - b.y) > 2.5 * radius),
    )
    t.ok(apart, `${width}`)
  }
  t.equal(clusterLayout(ids, null, phone).places.get('n1')?.top, false)
  const [from, to] = [
    { x: 0, y: 0, top: true },
    { x: 0, y: 100, top: false },
  ] as const
  t.equal(linkPath(from, to, 30), 'M0.0 30.0L0.0 70.0')
})

t.test('the boxes of the actors do not overlap, in three columns or in one', async (t) => {
  const names = ['clients', 'inbound', 'consensus', 'fsm', 'log', 'snapshot', 'replicator-n2']
  for (const width of [phone, 1000]) {
    const { boxes, edges, height } = troupeLayout(names, width)
    t.strictSame([...boxes.keys()].sort(), [...names].sort())
    const all = [...boxes.values()]
    t.ok(all.every((box) => box.x >= 0 && box.x + box.width <= width + 0.01))
    t.ok(all.every((box) => box.y >= 0 && box.y + box.height <= height + 0.01))
    t.notOk(
      all.some((a, i) => all.slice(i + 1).some((b) => overlap(a, b))),
      `${width}`,
    )
    t.strictSame(
      edges.filter(({ to }) => to === 'consensus').map(({ from }) => from),
      ['clients', 'inbound'],
    )
    t.equal(edges.filter(({ from }) => from === 'consensus').length, 4)
  }
})

function overlap(a: Box, b: Box): boolean {
  const across = a.x < b.x + b.width && b.x < a.x + a.width
  return across && a.y < b.y + b.height && b.y < a.y + a.height
}

t.test('a scale ends at a round figure', async (t) => {
  const tops = [
    [0, 10, 10],
    [11, 10, 20],
    [20, 10, 20],
    [501, 10, 1000],
    [0.3, 0.1, 0.5],
    [1_234_567, 10, 2_000_000],
  ] as const
  for (const [largest, least, top] of tops) t.equal(niceTop(largest, least), top)
})

t.test('a line breaks where nothing is known', async (t) => {
  const frame = { width: 120, height: 100, seconds: 120, top: 10 }
  const points = [
    { ageS: 10, value: 0 },
    { ageS: 9, value: 5 },
    { ageS: 1, value: 10 },
    { ageS: 0, value: 20 },
  ]
  t.equal(linePath(points, frame), 'M110.0 100.0L111.0 50.0M119.0 0.0L120.0 0.0')
  t.equal(areaPath(points, frame).match(/Z/g)?.length, 2)
  t.equal(linePath([], frame), '')
})
