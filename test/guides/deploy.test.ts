import { execFile } from 'node:child_process'
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { freePortBase } from '../helpers/free-ports.js'
import { projectRoot, readText } from '../helpers/readme-tables.js'
import { troupe } from '../helpers/troupe-process.js'
import { guideBlocks, placeOf } from './support/guide-blocks.js'

/** The files in lib/cli/deploy: what they start is a cluster, on addresses of this machine. */

type Variables = Readonly<Record<string, string>>

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly readinessProbe: { readonly httpGet: { readonly path: string } }
  readonly livenessProbe: { readonly httpGet: { readonly path: string } }
}

/** As a probe does, asks until the answer is this one: processes that start beside it may cost a leader its lead. */
async function answers(port: number | undefined, path: string, status: number): Promise<void> {
  while ((await statusOf(port, path, '127.0.0.1')) !== status);
}

/** Starts three nodes with such variables; resolves with their HTTP ports once each is ready. */
async function startThree(t: Test, ids: readonly string[], variables: (id: string) => Variables) {
  const base = await freePortBase(6)
  const port = (id: string, kind: '7700' | '8700') =>
    String(base + 1 + ids.indexOf(id) + (kind === '7700' ? 0 : 3))
  // "troupe-1.troupe:7700" and "10.0.0.2:7700" are of the second node; "0.0.0.0:7700" of the one itself.
  const nodes = ids.map((id) => {
    const local = (text: string) =>
      text
        .replaceAll(/0\.0\.0\.0:([78]700)/g, (_, kind) => `127.0.0.1:${port(id, kind)}`)
        .replaceAll(
          /(troupe-\d)\.troupe:([78]700)/g,
          (_, of, kind) => `127.0.0.1:${port(of, kind)}`,
        )
        .replaceAll(/10\.0\.0\.(\d):([78]700)/g, (_, i, kind) => {
          return `127.0.0.1:${port(ids[Number(i) - 1] ?? '', kind)}`
        })
    const given = Object.entries(variables(id)).map(([name, value]) => [name, local(value)])
    const dir = `${t.testdirName}/${id}`
    return troupe(['serve'], { ...Object.fromEntries(given), TROUPE_DIR: dir })
  })
  t.testdir()
  t.teardown(async () => {
    for (const node of nodes) node.signal('SIGTERM')
    await Promise.all(nodes.map((node) => node.ended))
  })
  await Promise.all(nodes.map((node) => node.match('stdout', /^ready /)))
  return ids.map((id) => Number(port(id, '8700')))
}

t.test('the variables of the systemd unit start a cluster', async (t) => {
  const lines = readText('lib/cli/deploy/troupe.env').match(/^TROUPE_.*$/gm) ?? []
  const given = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
  const ids = ['n1', 'n2', 'n3']
  const own = (id: string): Variables => ({
    ...given,
    TROUPE_ID: id,
    TROUPE_RAFT: `10.0.0.${id.slice(1)}:7700`,
    TROUPE_HTTP: `10.0.0.${id.slice(1)}:8700`,
  })
  t.same(own('n1'), given, 'the file is that of the first node')
  const [port] = await startThree(t, ids, own)
  await answers(port, '/readyz', 200)
})

t.test(
  'the Kubernetes manifest starts a cluster, and its probes and names are answered',
  async (t) => {
    const documents = parseAllDocuments(readText('lib/cli/deploy/kubernetes.yaml'))
    t.same(
      documents.flatMap(({ errors }) => errors),
      [],
    )
    const manifests = documents.map((document) => document.toJS())
    const set = manifests.find(({ kind }) => kind === 'StatefulSet')
    const container = set.spec.template.spec.containers[0] as Container
    const ids = [0, 1, 2].map((i) => `${set.metadata.name}-${i}`)
    t.equal(ids.length, set.spec.replicas)
    const [port] = await startThree(t, ids, (id) =>
      Object.fromEntries(
        container.env.map(({ name, value = id }) => [name, value.replaceAll('$(TROUPE_ID)', id)]),
      ),
    )
    for (const probe of [container.readinessProbe, container.livenessProbe]) {
      await answers(port, probe.httpGet.path, 200)
    }
    const names = manifests
      .filter(({ kind }) => kind === 'Service')
      .map(({ metadata }) => metadata.name)
    t.same(names, ['troupe', 'troupe-keys'])
    t.equal(await statusOf(port, '/status', 'troupe-keys'), 200)
    t.equal(await statusOf(port, '/status', 'elsewhere.example'), 403)
  },
)

t.test('systemd finds nothing wrong with the unit', async (t) => {
  const unit = `${projectRoot}/lib/cli/deploy/troupe.service`
  const verified = await new Promise<string | null>((resolve) => {
    execFile('systemd-analyze', ['verify', unit], (error, stdout, stderr) =>
      resolve(error?.code === 'ENOENT' ? null : `${stdout}${stderr}`),
    )
  })
  if (verified === null) return t.comment('skipped: systemd-analyze is not installed')
  t.equal(verified, '')
})

t.test('every other block of data in a guide can be read', async (t) => {
  for (const block of guideBlocks()) {
    if (block.language === 'json') t.doesNotThrow(() => JSON.parse(block.text), placeOf(block))
    if (block.language === 'yaml') t.doesNotThrow(() => parse(block.text), placeOf(block))
  }
})

function statusOf(
  port: number | undefined,
  path: string,
  host: string,
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${host}:${port}` }
    const asked = request({ host: '127.0.0.1', port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject)
    asked.end()
  })
}
