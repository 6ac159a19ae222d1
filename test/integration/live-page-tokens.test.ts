import t from 'tap'
import { keyValueStateMachine, startKvService } from '../../lib/kv/index.js'
import { startTestCluster } from '../../lib/node/testing.js'
import { Browser, browserPath } from './support/browser.js'

/** The live page of a node that has tokens, in a real browser. */

const path = browserPath()
const skip = path === null ? 'no Chromium is installed; CHROME_PATH may name one' : false
t.setTimeout(120_000)

const data = 'data-token-data-token'
const admin = 'admin-token-admin-token'

const hint = `document.querySelector('#token-hint').textContent`
const isShown = (id: string) =>
  `document.querySelector('#${id}').checkVisibility({ visibilityProperty: true })`

t.test('the page of a node that has tokens', { skip }, async (t) => {
  await using cluster = await startTestCluster({ nodes: 1, stateMachine: keyValueStateMachine })
  const tokens = { data, admin }
  const service = await startKvService({ node: cluster.node('n1'), listen: '127.0.0.1:0', tokens })
  t.teardown(() => service.close())
  const browser = await Browser.start(path ?? '')
  t.teardown(() => browser.close())
  const tab = await browser.tab()
  await tab.go(`${service.url}/`)
  const send = async (token: string) => {
    await tab.ask(`document.querySelector('#token').focus()`)
    await tab.type(token)
    await tab.press('Enter')
  }

  await t.test('asks for one before it shows anything', async (t) => {
    t.ok(await tab.until(isShown('token-form')))
    t.equal(await tab.ask('document.activeElement.id'), 'token', 'the keyboard is there')
    t.match(await tab.ask(hint), 'The data token shows this page, the admin token acts on it too.')
    t.notOk(await tab.ask(`document.querySelector('tr[data-leader=true]') !== null`))
  })

  await t.test('says when it is the wrong one', async (t) => {
    await send('nobody-knows-this-token')
    t.match(
      await tab.until(`${hint}.startsWith('Not with this one') && ${hint}`),
      'in this tab only',
    )
  })

  await t.test('shows itself for the data token, without what acts', async (t) => {
    await send(data)
    t.ok(await tab.until(`document.querySelector('tr[data-leader=true]') !== null`))
    t.match(await tab.until(`${hint}.startsWith('Read-only') && ${hint}`), 'The admin token')
    t.notOk(await tab.ask(isShown('snapshot')))
  })

  await t.test('acts with the admin token', async (t) => {
    await send(admin)
    t.ok(
      await tab.until(`${hint}.startsWith('The admin token is in use') && ${isShown('snapshot')}`),
    )
    await tab.ask(`document.querySelector('#snapshot').click()`)
    const result = `document.querySelector('#snapshot-result[data-level=ok]')?.textContent`
    t.match(await tab.until(result), /^Snapshot at index \d+, \d/)
  })

  await t.test('forgets it when told, and asks again', async (t) => {
    await tab.ask(`document.querySelector('#token-forget').click()`)
    t.ok(await tab.until(`${hint}.startsWith('The data token shows this page')`))
    t.equal(await tab.ask(`sessionStorage.length`), 0)
  })
})
