import type { CheckBody } from './store-contract.js'
import {
  ALL,
  batchOf,
  expect,
  expectBatches,
  expectLog,
  expectRefusal,
} from './store-contract-tools.js'

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

function said(value: Uint8Array | null): string | null {
  return value === null ? null : new TextDecoder().decode(value)
}

/** The checks of a store's small values, and of its lock. */
export const valueChecks: readonly CheckBody[] = [
  {
    name: 'a value that was never set is null',
    body: async (place) => {
      const { store } = await place.open()
      expect((await store.get('a/x')) === null, 'a value from nowhere', await store.get('a/x'))
    },
  },
  {
    name: 'values are durable when set returns, all of them, without a flush',
    body: async (place) => {
      const { store } = await place.open()
      await store.set({ 'a/x': text('1'), 'b/x': text('2') })
      await store.set({ 'a/x': text('3'), 'a/empty': new Uint8Array(0) })
      const after = await place.open()
      for (const [key, value] of [
        ['a/x', '3'],
        ['b/x', '2'],
        ['a/empty', ''],
      ] as const) {
        const found = said(await after.store.get(key))
        expect(found === value, `${key} should be ${value}`, found)
      }
    },
  },
  {
    name: 'setting a value neither flushes nor drops what is staged',
    body: async (place) => {
      const staged = batchOf(1, 3, 1, 0)
      const { store } = await place.open()
      await store.append([staged])
      await store.set({ 'a/x': text('1') })
      expectBatches(await store.read(1, ALL, ALL), [staged], 'after the set')
      const crashed = await place.open()
      expectLog(crashed.log, { index: 0, term: 0 }, [])
      await crashed.store.append([staged])
      await crashed.store.set({ 'a/x': text('2') })
      await crashed.store.flush()
      expectLog((await place.open()).log, { index: 0, term: 0 }, [staged])
    },
  },
  {
    name: 'a value belongs to the store, not to the caller',
    body: async (place) => {
      const value = text('mine')
      const { store } = await place.open()
      await store.set({ 'a/x': value })
      value.fill(0)
      const read = await store.get('a/x')
      expect(said(read) === 'mine', 'the value should not follow the caller’s memory', said(read))
      read?.fill(0)
      expect(said(await store.get('a/x')) === 'mine', 'nor that of an earlier reader')
    },
  },
  {
    name: 'a second store in the same directory is refused with RAFT_DATA_DIR_LOCKED (S16)',
    body: async (place) => {
      const { store } = await place.open()
      const error = await expectRefusal(() => place.create(), 'a second store')
      const code = error instanceof Error && 'code' in error ? error.code : null
      expect(code === 'RAFT_DATA_DIR_LOCKED', 'the refusal has its code', code)
      await store.set({ 'a/x': text('still open') })
      await place.open()
    },
  },
]
