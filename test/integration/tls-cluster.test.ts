import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { TestAuthority } from '../helpers/certificates.js'
import { freePortBase } from '../helpers/free-ports.js'
import { overHttps } from '../helpers/https-client.js'
import { type TroupeProcess, troupe } from '../helpers/troupe-process.js'

const data = 'data-token-data-token'
const admin = 'admin-token-admin-token'
const ids = ['n1', 'n2', 'n3'] as const
type Id = (typeof ids)[number]

/** Three processes whose ports are both encrypted and guarded. */
class SecureCluster {
  readonly authority: TestAuthority
  readonly ca: string
  readonly #directory: string
  readonly #base: number
  readonly #processes = new Map<Id, TroupeProcess>()

  private constructor(directory: string, base: number) {
    this.#directory = directory
    this.#base = base
    this.authority = new TestAuthority(directory)
    this.ca = this.authority.ca
    for (const id of ids) this.certify(id)
    writeFileSync(this.authority.path('data'), data)
    writeFileSync(this.authority.path('admin'), admin)
  }

  static async start(t: Test): Promise<SecureCluster> {
    const cluster = new SecureCluster(t.testdir({}), await freePortBase(6))
    for (const id of ids) cluster.run(id)
    t.teardown(() => cluster.#stop())
    for (const id of ids) await cluster.process(id).match('stdout', /^ready leader=/)
    return cluster
  }

  /** A new certificate in place of the old one. */
  certify(id: Id): void {
    const names = [`URI:troupe://orders/${id}`, 'DNS:localhost', 'IP:127.0.0.1']
    this.authority.issue(id, names)
  }

  url(id: Id): string {
    return `https://127.0.0.1:${this.#base + 4 + ids.indexOf(id)}`
  }

  raft(id: Id): string {
    return `127.0.0.1:${this.#base + 1 + ids.indexOf(id)}`
  }

  process(id: Id): TroupeProcess {
    const found = this.#processes.get(id)
    if (found === undefined) throw new Error(`${id} does not run`)
    return found
  }

  run(id: Id): TroupeProcess {
    const members = ids.map((member) => `${member}=${this.raft(member)}@${this.url(member)}`)
    const own = [this.authority.path(`${id}.pem`), this.authority.path(`${id}.key`)] as const
    const process = troupe(
      [
        ...['serve', '--cluster', 'orders', '--id', id, '--store', 'wal'],
        ...['--raft', this.raft(id), '--http', this.url(id).slice('https://'.length)],
        ...['--dir', `${this.#directory}/data-${id}`, '--bootstrap', members.join(',')],
        ...['--tls-cert', own[0], '--tls-key', own[1], '--tls-ca', this.authority.caPath],
        ...['--http-tls-cert', own[0], '--http-tls-key', own[1]],
      ],
      this.#tokenFiles(),
    )
    this.#processes.set(id, process)
    return process
  }

  /** A command of an operator, with the token of that name. */
  command(token: 'data' | 'admin', ...args: readonly string[]) {
    const file = this.authority.path(token)
    const access = ['--http', this.url('n1'), '--http-ca', this.authority.caPath]
    return troupe([...args, ...access], {
      [`TROUPE_${token.toUpperCase()}_TOKEN_FILE`]: file,
    }).ended
  }

  ask(id: Id, path: string, sent: { token?: string; method?: string; body?: string } = {}) {
    return overHttps(`${this.url(id)}${path}`, { ca: this.ca, ...sent })
  }

  #tokenFiles() {
    return {
      TROUPE_DATA_TOKEN_FILE: this.authority.path('data'),
      TROUPE_ADMIN_TOKEN_FILE: this.authority.path('admin'),
    }
  }

  async #stop(): Promise<void> {
    const running = [...this.#processes.values()]
    for (const process of running) process.signal('SIGTERM')
    await Promise.all(running.map(({ ended }) => ended))
  }
}

t.test(
  'three processes with TLS and tokens serve, hand over, and take new certificates',
  async (t) => {
    const cluster = await SecureCluster.start(t)
    t.equal((await cluster.ask('n1', '/kv/a', { method: 'PUT', body: 'x' })).status, 401)
    const put = { token: data, method: 'PUT', body: 'first' }
    t.equal((await cluster.ask('n1', '/kv/a', put)).status, 200)
    t.match(await cluster.ask('n3', '/kv/a', { token: data }), { status: 200, body: 'first' })

    t.test('the command speaks for whoever has the token', async (t) => {
      const refused = await cluster.command('data', 'transfer', 'n2')
      t.match(refused, { code: 1, stderr: /^troupe: HTTP_FORBIDDEN: this needs the admin token/ })
      t.match(await cluster.command('data', 'members'), { code: 0, stdout: /^n3 +voter/m })
      t.match(await cluster.command('admin', 'transfer', 'n2'), { code: 0, stdout: /^n2 leads/ })
    })

    t.test('plain text on the Raft port is turned away with one line in the log', async (t) => {
      const [host = '', port] = cluster.raft('n1').split(':')
      const socket = connect(Number(port), host)
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\n\r\n')
      t.equal(await text(socket).catch(() => ''), '')
      const line = /"code":"RAFT_TLS_FAILED".*found plain text/
      await cluster.process('n1').match('stderr', line)
    })

    t.test('new certificates are used without a restart, by both ports', async (t) => {
      const before = await cluster.ask('n1', '/healthz')
      for (const id of ids) cluster.certify(id)
      for (const id of ids) cluster.process(id).signal('SIGUSR2')
      for (const id of ids) {
        for (const port of ['raft', 'http']) {
          const line = new RegExp(`"port":"${port}","changed":true`)
          await cluster.process(id).match('stderr', line)
        }
      }
      t.not((await cluster.ask('n1', '/healthz')).fingerprint, before.fingerprint)
      // A node that comes back meets the others, and they it, with the new certificates only.
      cluster.process('n3').signal('SIGTERM')
      await cluster.process('n3').ended
      await cluster.run('n3').match('stdout', /^ready leader=/)
      t.match(await cluster.ask('n3', '/kv/a', { token: data }), { status: 200, body: 'first' })
    })
  },
)

t.test('a node does not start with the certificate of another', async (t) => {
  const authority = new TestAuthority(t.testdir({}))
  authority.issue('n2', ['URI:troupe://orders/n2'])
  const { code, stderr } = await troupe([
    ...['serve', '--cluster', 'orders', '--id', 'n1', '--store', 'memory'],
    ...['--raft', '127.0.0.1:0', '--http', '127.0.0.1:0', '--tls-ca', authority.caPath],
    ...['--tls-cert', authority.path('n2.pem'), '--tls-key', authority.path('n2.key')],
  ]).ended
  t.equal(code, 1)
  t.match(stderr, /^troupe: RAFT_CONFIG_INVALID: .*names troupe:\/\/orders\/n2, .*\/orders\/n1/m)
})

t.test('a token is no argument, and does not cross a network unencrypted', async (t) => {
  const given = await troupe(['status', '--admin-token', admin]).ended
  t.match(given, { code: 2, stderr: /unknown option/ })
  const env = { TROUPE_ADMIN_TOKEN: admin }
  const remote = await troupe(['status', '--http', 'http://192.0.2.1:8701'], env).ended
  t.match(remote, { code: 1, stderr: /unencrypted to http:\/\/192\.0\.2\.1:8701/ })
  const both = { ...env, TROUPE_ADMIN_TOKEN_FILE: 'x' }
  t.match(await troupe(['status'], both).ended, { code: 2, stderr: /both set/ })
})
