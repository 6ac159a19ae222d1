import t from 'tap'
import { DevCluster, devPlace } from '../helpers/dev-cluster.js'
import { Browser, browserPath, type Tab } from './support/browser.js'

/** The live page of a cluster in a real browser. */

const path = browserPath()
const skip = path === null ? 'no Chromium is installed; CHROME_PATH may name one' : false
t.setTimeout(120_000)

const phone = { width: 360, height: 740 }
const desk = { width: 1200, height: 900 }

const leaderRow = `document.querySelector('tr[data-leader=true]')?.dataset.member`
const shown = `document.querySelector('#verdict[data-level=ok]') && ${leaderRow}`

t.test('the page of a cluster', { skip }, async (t) => {
  const browser = await Browser.start(path ?? '')
  t.teardown(() => browser.close())
  const cluster = await DevCluster.start(t, await devPlace(t))
  const [node] = cluster.followers
  if (node === undefined) throw new Error('there are three nodes')
  const tab = await browser.tab()
  await tab.look({ ...desk, scheme: 'light' })
  await tab.go(`${node.http}/`)

  await t.test('of a follower shows who leads, and how all members do', async (t) => {
    t.equal(await tab.until(shown), cluster.leader.id)
    t.equal(await tab.ask(`document.querySelector('#node-id').textContent`), node.id)
    const pictures = `document.querySelectorAll('#cluster-picture .member, #troupe-picture .actor').length`
    t.ok((await tab.until<number>(pictures)) >= 3 + 5, 'members and actors are drawn')
    const everybody = `[...document.querySelectorAll('tr[data-condition=ok]')].length === 3`
    t.ok(await tab.until(everybody), 'the leader has said how they do')
  })

  await t.test('says what happens, as it happens', async (t) => {
    const value = `parseFloat(document.querySelector('#throughput .value').textContent) > 0`
    let seen = false
    const found = tab.until<boolean>(value).finally(() => {
      seen = true
    })
    // Only the newest second is shown as a figure: a page that was busy may never show that of a single write.
    for (let writes = 0; !seen; writes++) await node.client.put('seen', `on the page ${writes}`)
    t.ok(await found)
    t.ok(await tab.until(`document.querySelectorAll('#events li').length > 0`))
  })

  await t.test('hands leadership over by a button that the keyboard reaches', async (t) => {
    const target = await reach(tab, 'Make leader')
    t.match(target, /^n[123]$/)
    const result = `document.querySelector('#leadership-result:is([data-level=ok], [data-level=bad])')`
    let told = ''
    // On a busy machine the first attempt may come to nothing, and says so.
    for (let attempt = 0; attempt < 3 && !told.startsWith(target); attempt++) {
      await tab.press('Enter')
      told = await tab.until(`${result}?.textContent`)
    }
    t.match(told, new RegExp(`^${target} leads term \\d+\\.$`))
    t.equal(await tab.until(`${leaderRow} === '${target}' && '${target}'`), target)
    const focused = `document.activeElement.closest('tr')?.dataset.member`
    t.equal(await tab.ask(focused), target, 'the focus stays where it was')
  })

  await t.test('takes a snapshot', async (t) => {
    await tab.ask(`document.querySelector('#snapshot').click()`)
    const result = `document.querySelector('#snapshot-result[data-level=ok]')?.textContent`
    t.match(await tab.until(result), /^Snapshot at index \d+, \d/)
  })

  await t.test('fits a phone, in light and dark', async (t) => {
    const ground = `getComputedStyle(document.body).backgroundColor`
    const grounds = new Set<string>()
    for (const scheme of ['light', 'dark'] as const) {
      await tab.look({ ...phone, scheme })
      await tab.ask(
        `new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)))`,
      )
      grounds.add(await tab.ask<string>(ground))
      const width = await tab.ask<number>(`document.documentElement.scrollWidth`)
      t.ok(width <= phone.width, `${width} px wide`)
    }
    t.equal(grounds.size, 2)
  })

  t.strictSame(tab.complaints, [], 'no error, and nothing that its policy refused')

  await t.test('says so when its node stops answering', async (t) => {
    await cluster.kill(node)
    const verdict = `document.querySelector('#verdict[data-level=bad]')?.textContent`
    t.match(await tab.until(verdict), new RegExp(`${node.id} stopped answering`))
  })
})

/** Goes from control to control until one says this; resolves with the member that it is about. */
async function reach(tab: Tab, label: string): Promise<string> {
  const isThere = `document.activeElement.textContent === '${label}'`
  for (let step = 0; step < 20; step++) {
    await tab.press('Tab')
    if (await tab.ask<boolean>(isThere)) {
      return tab.ask(`document.activeElement.closest('tr').dataset.member`)
    }
  }
  throw new Error(`20 steps of the keyboard reach no ${label}`)
}
