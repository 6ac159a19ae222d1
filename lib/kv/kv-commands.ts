import { CommandError } from '../fsm/state-machine.js'
import { type ByteKey, byteKey, maxKeyBytes } from './keys.js'

/**
 * The commands of the key-value state machine and their bytes in the log. Values are raw bytes, so a
 * command is as large as what it stores and a few bytes of lengths:
 *
 *   version u8 | shape u8 (0 one operation, 1 batch) | count u16 | operations
 *   operation: kind u8 (1 put, 2 delete) | flags u8 (1 conditional) | keyLength u16 | valueLength u32
 *              | expected revision u64, when conditional | key | value
 *
 * All numbers are little-endian.
 */
export type KvCommand = KvOperation | KvBatch

/** `ifRevision`: only if the key's revision is this one; `ifAbsent`: only if there is no such key. */
export interface KvCondition {
  readonly ifRevision?: number
  readonly ifAbsent?: boolean
}

/** A write of one key. */
export type KvOperation =
  | ({ readonly kind: 'put'; readonly key: string; readonly value: Uint8Array } & KvCondition)
  | ({ readonly kind: 'delete'; readonly key: string } & KvCondition)

/** All or nothing. Conditions look at the state before the batch; operations are done in order. */
export interface KvBatch {
  readonly kind: 'batch'
  readonly operations: readonly KvOperation[]
}

/** Operations in one batch. */
export const maxBatchOperations = 128

/** Longest value, in bytes; also the longest that the values of one batch may be together. */
export const maxValueBytes = 4 * 1024 * 1024

/** The largest command: what a node that serves keys sets as its `maxEntryBytes`. */
export const maxCommandBytes = maxValueBytes + 4 + maxBatchOperations * (16 + maxKeyBytes)

/** An operation as read from the log. `value` is a view of the command's bytes. */
export interface DecodedOperation {
  readonly kind: 'put' | 'delete'
  readonly key: ByteKey
  readonly value: Uint8Array
  /** The revision the key must have, 0 meaning that it must not exist; null without a condition. */
  readonly expected: number | null
}

export interface DecodedCommand {
  readonly batch: boolean
  readonly operations: readonly DecodedOperation[]
}

const version = 1
const headBytes = 4
const operationBytes = 8
const conditionBytes = 8
const kindPut = 1
const kindDelete = 2
const flagConditional = 1
const noValue = new Uint8Array(0)

/** Throws a CommandError for what no replica would accept. */
export function encodeCommand(command: KvCommand): Uint8Array {
  const batch = command.kind === 'batch'
  const operations = (batch ? command.operations : [command]).map(prepare)
  if (operations.length === 0 || operations.length > maxBatchOperations) {
    throw invalid(`a batch has 1 to ${maxBatchOperations} operations, not ${operations.length}`)
  }
  const length = operations.reduce((sum, operation) => sum + encodedLength(operation), headBytes)
  const bytes = Buffer.allocUnsafeSlow(length)
  bytes[0] = version
  bytes[1] = batch ? 1 : 0
  bytes.writeUInt16LE(operations.length, 2)
  let at = headBytes
  for (const operation of operations) at = writeOperation(bytes, at, operation)
  return bytes
}

/** Throws a CommandError (KV_COMMAND_INVALID), the same on every replica, for any other bytes. */
export function decodeCommand(command: Uint8Array): DecodedCommand {
  const bytes = Buffer.from(command.buffer, command.byteOffset, command.byteLength)
  if (bytes.length < headBytes) throw invalid(`a command has ${bytes.length} bytes only`)
  if (bytes[0] !== version) throw invalid(`a command of version ${bytes[0]}, not ${version}`)
  const batch = bytes[1] === 1
  const count = bytes.readUInt16LE(2)
  if (count === 0 || count > (batch ? maxBatchOperations : 1)) {
    throw invalid(`a command of ${count} operations`)
  }
  const operations: DecodedOperation[] = []
  let at = headBytes
  for (let i = 0; i < count; i++) {
    const operation = readOperation(bytes, at)
    operations.push(operation)
    at += encodedLength(operation)
  }
  if (at !== bytes.length) throw invalid(`a command has ${bytes.length - at} bytes too many`)
  return { batch, operations }
}

function prepare(operation: KvOperation): DecodedOperation {
  const expected = operation.ifAbsent === true ? 0 : (operation.ifRevision ?? null)
  if (operation.ifAbsent === true && operation.ifRevision !== undefined) {
    throw invalid('ifRevision and ifAbsent exclude each other')
  }
  if (expected !== null && !(Number.isSafeInteger(expected) && expected >= 0)) {
    throw invalid(`a revision is a whole number, not ${expected}`)
  }
  const value = operation.kind === 'put' ? operation.value : noValue
  return { kind: operation.kind, key: byteKey(operation.key), value, expected }
}

function encodedLength(operation: DecodedOperation): number {
  const condition = operation.expected === null ? 0 : conditionBytes
  return operationBytes + condition + operation.key.length + operation.value.length
}

function writeOperation(bytes: Buffer, start: number, operation: DecodedOperation): number {
  bytes[start] = operation.kind === 'put' ? kindPut : kindDelete
  bytes[start + 1] = operation.expected === null ? 0 : flagConditional
  bytes.writeUInt16LE(operation.key.length, start + 2)
  bytes.writeUInt32LE(operation.value.length, start + 4)
  let at = start + operationBytes
  if (operation.expected !== null) {
    bytes.writeBigUInt64LE(BigInt(operation.expected), at)
    at += conditionBytes
  }
  at += bytes.write(operation.key, at, 'latin1')
  bytes.set(operation.value, at)
  return at + operation.value.length
}

function readOperation(bytes: Buffer, start: number): DecodedOperation {
  if (start + operationBytes > bytes.length) throw invalid('a command ends inside an operation')
  const kind = bytes[start]
  const flags = bytes[start + 1] ?? 0
  const keyLength = bytes.readUInt16LE(start + 2)
  const valueLength = bytes.readUInt32LE(start + 4)
  if ((kind !== kindPut && kind !== kindDelete) || flags > flagConditional) {
    throw invalid(`an operation of kind ${kind}, flags ${flags}`)
  }
  if (keyLength === 0 || keyLength > maxKeyBytes) throw invalid(`a key of ${keyLength} bytes`)
  const keyAt = start + operationBytes + (flags === flagConditional ? conditionBytes : 0)
  const valueAt = keyAt + keyLength
  if (valueAt + valueLength > bytes.length) throw invalid('a command ends inside an operation')
  return {
    kind: kind === kindPut ? 'put' : 'delete',
    key: bytes.toString('latin1', keyAt, valueAt),
    value: bytes.subarray(valueAt, valueAt + valueLength),
    expected:
      flags === flagConditional ? Number(bytes.readBigUInt64LE(start + operationBytes)) : null,
  }
}

function invalid(message: string): CommandError {
  return new CommandError('KV_COMMAND_INVALID', message)
}
