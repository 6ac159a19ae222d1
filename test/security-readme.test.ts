import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readTokens } from '../lib/kv/tokens.js'
import { readCredentials } from '../lib/transport/certificates.js'
import { identitiesIn } from '../lib/transport/peer-identity.js'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

t.test('the commands of the README make certificates and tokens that a node takes', async (t) => {
  const commands = /```sh no-run certificates\n([^`]*)```/.exec(readme)?.[1] ?? 'exit 1'
  const directory = t.testdir({})
  execFileSync('/bin/sh', ['-e', '-c', commands], { cwd: directory, stdio: 'pipe' })
  const file = (name: string) => join(directory, name)
  const tls = { cert: file('n1.pem'), key: file('n1.key'), ca: file('ca.pem') }
  const { cert, ca } = readCredentials('tls', tls)
  const own = new X509Certificate(cert)
  t.same(identitiesIn(own), ['troupe://orders/n1'])
  t.ok(own.verify(new X509Certificate(ca ?? '').publicKey), 'signed by the authority')
  t.notOk(own.ca, 'and none itself')
  t.equal(own.checkHost('n1.internal'), 'n1.internal')
  for (const name of ['data', 'admin']) {
    t.match(readTokens(name, { file: file(`${name}.token`) }), [/^[0-9a-f]{64}$/])
  }
})
