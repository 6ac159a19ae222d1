import { crc32 } from 'node:zlib'
import { InvalidArgumentError } from 'commander'
import {
  bootstrapList,
  hostPort,
  httpAddress,
  nodeAddress,
  wholeNumber,
} from '../../lib/cli/option-values.js'
import { type BackupMeta, BackupReader, encodeBackup } from '../../lib/kv/backup-format.js'
import { BackupError } from '../../lib/kv/byte-source.js'
import { isRaftError } from '../../lib/node/errors.js'
import { parsePeersJson } from '../../lib/node/peers-json.js'
import { fuzz } from './support/fuzz.js'

/** Fuzzed: what operators give: peers.json, backups, and the values of options. */

fuzz({
  name: 'peers.json',
  samples: [
    Buffer.from('["127.0.0.1:7701", "127.0.0.1:7702"]'),
    Buffer.from(
      '\uFEFF[{"id": "n1", "address": "h:1", "non_voter": false}, {"id": "n2", "address": "h:2"}]',
    ),
  ],
  read: (bytes) => parsePeersJson(bytes.toString()),
  refuses: (error) => isRaftError(error, 'RAFT_CONFIG_INVALID'),
  inputs: 2000,
})

const state = Buffer.alloc(300_000, 'some state')
const meta: BackupMeta = {
  application: 'troupe-kv',
  cluster: 'c',
  node: 'n1',
  index: 7,
  term: 2,
  size: state.length,
  createdAt: '2026-01-01T00:00:00.000Z',
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000)
}

async function backup(size: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  const bytes = state.subarray(0, size)
  for await (const part of encodeBackup({ ...meta, size }, pieces(bytes))) parts.push(part)
  return Buffer.concat(parts)
}

fuzz({
  name: 'a backup',
  samples: [await backup(500), await backup(300_000)],
  seal: (bytes) => {
    if (bytes.length < 48) return
    const json = bytes.subarray(24, 24 + bytes.readUInt32LE(12))
    bytes.writeUInt32LE(crc32(json), 16)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20)
  },
  read: async (bytes) => {
    const reader = new BackupReader(pieces(bytes))
    const found = await reader.meta()
    const whole = [found.index, found.term, found.size].every((n) => n >= 0)
    if (!whole) throw new Error('numbers below zero')
    for await (const _ of reader.state(found));
  },
  refuses: (error) => error instanceof BackupError,
  inputs: 500,
})

/** A parser of the command line, with what it takes. */
const options = {
  'host:port': [hostPort, '127.0.0.1:7701', '[::1]:7701', 'node-1.example:65535'],
  'a whole number': [wholeNumber(0, 65_535), '0', '8700', '65535'],
  'a bootstrap list': [bootstrapList, 'n1=h:1,n2=h:2@http://h:8702', 'n1=[::1]:7701'],
  'an HTTP address': [httpAddress, 'http://h:8701', 'https://h'],
  'a node’s address': [nodeAddress, 'h:8701', 'https://h:8701'],
} as const

for (const [name, [parse, ...samples]] of Object.entries(options)) {
  fuzz({
    name: `an option: ${name}`,
    samples: samples.map((text) => Buffer.from(text)),
    read: (bytes) => parse(bytes.toString()),
    refuses: (error) => error instanceof InvalidArgumentError,
  })
}
