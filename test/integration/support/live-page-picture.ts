import { writeFile } from 'node:fs/promises'
import { DevCluster, devPlace } from '../../helpers/dev-cluster.js'
import { SteadyWrites } from '../../helpers/steady-writes.js'
import { Browser, browserPath } from './browser.js'

/**
 * Makes the picture of the live page in lib/kv/page, from a cluster at work for a minute:
 * `node dist/test/integration/support/live-page-picture.js DIR lib/kv/page/page.png`, DIR for its data.
 */
const [dir = '', file = ''] = process.argv.slice(2)
const writers = 4
/** Seconds of work that the plots show. */
const seconds = 60

const ends: (() => unknown)[] = []
const place = { testdir: () => dir, teardown: (end: () => unknown) => ends.push(end) }
const cluster = await DevCluster.start(place, await devPlace(place))
const urls = [cluster.leader, ...cluster.followers].map(({ http }) => http)
const load = new SteadyWrites(urls, writers, 'picture-')
const browser = await Browser.start(browserPath() ?? '')
const tab = await browser.tab()
await tab.look({ width: 1120, height: 700, scheme: 'light' })
await tab.go(`${cluster.leader.http}/`)
const line = `document.querySelector('#throughput .line-0').getAttribute('d')`
await tab.until(`${line}.split('L').length > ${seconds}`)
await writeFile(file, await tab.picture({ whole: true }))
await load.stop()
await browser.close()
for (const end of ends) await end()
