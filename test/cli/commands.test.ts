import t from 'tap'
import { freePortBase } from '../helpers/free-ports.js'
import { troupe } from '../helpers/troupe-process.js'

const serve = ['serve', '--cluster', 'c', '--id', 'n1', '--store', 'memory']
const loopback = ['--raft', '127.0.0.1:0', '--http', '127.0.0.1:0']

t.test('the help names every command', async (t) => {
  const { stdout, code } = await troupe(['--help']).ended
  t.equal(code, 0)
  const nodes = ['dev', 'serve', 'status', 'members', 'add', 'remove', 'demote', 'transfer']
  const data = ['snapshot', 'backup', 'restore', 'recover', 'log', 'doctor']
  for (const name of [...nodes, ...data]) t.match(stdout, new RegExp(`^  ${name} `, 'm'))
  t.equal((await troupe([]).ended).code, 2, 'no command at all')
})

t.test('wrong arguments are one clear line and exit code 2', async (t) => {
  const wrong = [
    [['serve', '--id', 'n1'], /required option '--cluster <name>' not specified/],
    [[...serve, '--raft', 'nowhere', '--http', 'a:1'], /'--raft .*nowhere.*HOST:PORT/],
    [[...serve, ...loopback, '--bootstrap', 'n1'], /'--bootstrap .*id=host:port/],
    [[...serve, ...loopback, '--store', 'disk'], /Allowed choices are lmdb, wal, memory/],
    [['serve', '--cluster', 'c', '--id', 'n1', ...loopback], /RAFT_CONFIG_INVALID: .*--dir/],
    [['dev', '--nodes', '0'], /'--nodes .*1 to 9/],
    [['dev', '--nodes', '3', '--turbo'], /unknown option '--turbo'/],
    [['play'], /unknown command 'play'/],
    [['add', 'n4'], /missing required argument 'host:port'/],
    [['add', 'n4', 'nowhere'], /nowhere.*host:port.*HOST:PORT/],
    [['add', 'n4', 'h:1', '--meta', 'x'], /'--meta .*Write key=value/],
    [['remove', 'n4', '--prev-index', 'x'], /'--prev-index .*whole number/],
    [['status', '--http', 'ftp://h'], /'--http .*Write http:/],
  ] as const
  for (const [args, expected] of wrong) {
    const { code, stderr } = await troupe(args).ended
    t.equal(code, 2, args.join(' '))
    t.match(stderr, expected)
    t.notMatch(stderr, / at .*:\d+:\d+/, 'no stack')
  }
})

t.test('a listener beyond this machine needs --insecure', async (t) => {
  for (const [raft, http] of [
    ['0.0.0.0:0', '127.0.0.1:0'],
    ['127.0.0.1:0', '0.0.0.0:0'],
  ] as const) {
    const { code, stderr } = await troupe([...serve, '--raft', raft, '--http', http]).ended
    t.equal(code, 1)
    t.match(stderr, /^troupe: RAFT_INSECURE_LISTEN: .*$/m)
  }
})

t.test('every flag of serve can be given as a variable', async (t) => {
  const node = troupe(['serve'], {
    TROUPE_CLUSTER: 'c',
    TROUPE_ID: 'n1',
    TROUPE_RAFT: '127.0.0.1:0',
    TROUPE_HTTP: '127.0.0.1:0',
    TROUPE_STORE: 'memory',
    TROUPE_BOOTSTRAP: 'n1=127.0.0.1:7701',
    TROUPE_HEARTBEAT_TIMEOUT_MS: '100',
    TROUPE_LOG_LEVEL: 'error',
    TROUPE_JSON: '1',
    TROUPE_INSECURE: '0',
    TROUPE_JOIN: '',
  })
  t.teardown(() => node.signal('SIGKILL'))
  await node.match('stdout', /^\{"event":"ready","leader":"n1"\}$/)
  node.signal('SIGTERM')
  const { code, stderr } = await node.ended
  t.strictSame({ code, stderr }, { code: 0, stderr: '' })
})

t.test('status and members show a cluster as tables and as JSON', async (t) => {
  const bootstrap = 'n1=127.0.0.1:7701@http://127.0.0.1:1'
  const node = troupe([...serve, ...loopback, '--bootstrap', bootstrap])
  t.teardown(() => {
    node.signal('SIGTERM')
    return node.ended
  })
  const [, url = ''] = await node.match('stdout', /^n1 (http:\S+) raft \S+ pid \d+$/)
  await node.match('stdout', /^ready leader=n1$/)
  const run = async (...args: string[]) => (await troupe([...args, '--http', url]).ended).stdout
  t.match(await run('status'), /^ID +STATE +TERM.*\nn1 +leader +\d+ +n1/)
  t.match(JSON.parse(await run('status', '--json')), { cluster: 'c', nodes: [{ id: 'n1' }] })
  t.match(await run('members'), /^ID .*\nn1 +voter +leader +127.0.0.1:7701/)
  t.match(JSON.parse(await run('members', '--json')), { servers: [{ suffrage: 'voter' }] })
  const nobody = `http://127.0.0.1:${(await freePortBase(1)) + 1}`
  const { code, stderr } = await troupe(['status', '--http', nobody]).ended
  t.equal(code, 1)
  t.equal(stderr, `troupe: no answer from ${nobody} (ECONNREFUSED)`)
})
