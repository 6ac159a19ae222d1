import { join } from 'node:path'
import { damagedLog } from '../recovery.js'
import { StoreCorruptError } from '../store.js'
import type { WalDisk } from './disk.js'
import { Replay, type ReplayedLog } from './replay.js'
import { Segment } from './segment.js'
import { decodeSegmentStart, FRAMES_AT, parseSegmentName } from './segment-layout.js'
import { SegmentReader } from './segment-reader.js'
import type { Segments } from './segments.js'

interface SegmentFile {
  readonly name: string
  readonly sequence: number
  readonly firstIndex: number
}

/**
 * Opens the segments of a directory and replays them. Files of other names are left alone.
 * @throws StoreCorruptError
 */
export function openSegments(disk: WalDisk, directory: string, segments: Segments): ReplayedLog {
  const { files, leftovers } = lastRun(segmentFiles(disk, directory))
  const replay = new Replay(segments)
  for (const file of files) {
    const segment = open(disk, directory, file)
    segments.add(segment)
    const opened = segment.file(disk)
    replay.accept(segment, new SegmentReader(segment, opened), segment.size - opened.size())
  }
  const found = replay.finish()
  for (const { segment, offset, writtenEnd } of found.torn) segment.erase(disk, offset, writtenEnd)
  for (const { name } of leftovers) disk.remove(join(directory, name))
  return found
}

/** @throws StoreCorruptError when its header does not say which segment it is */
function open(disk: WalDisk, directory: string, { name, sequence, firstIndex }: SegmentFile) {
  const path = join(directory, name)
  const file = disk.open(path, 'direct')
  const start = new Uint8Array(FRAMES_AT)
  const header = decodeSegmentStart(start.subarray(0, file.read(start, 0)))
  if (typeof header !== 'string' && header.sequence === sequence) {
    return new Segment(directory, name, header, file)
  }
  file.close()
  throw damagedLog(
    firstIndex,
    typeof header === 'string'
      ? `${path} cannot be read: ${header}`
      : `${path} is segment ${header.sequence} under another name`,
  )
}

/** Whether the directory has segments. */
export function hasSegments(disk: WalDisk, directory: string): boolean {
  return segmentFiles(disk, directory).length > 0
}

function segmentFiles(disk: WalDisk, directory: string): readonly SegmentFile[] {
  return disk
    .list(directory)
    .flatMap((name) => {
      const parsed = parseSegmentName(name)
      return parsed === null ? [] : [{ name, ...parsed }]
    })
    .sort((a, b) => a.sequence - b.sequence)
}

/**
 * Old segments are removed oldest first, but after a loss of power some may be back: those before a
 * hole are leftovers. If the hole is damage instead, the log's first batch turns out to be missing.
 */
function lastRun(files: readonly SegmentFile[]): {
  readonly files: readonly SegmentFile[]
  readonly leftovers: readonly SegmentFile[]
} {
  let start = 0
  for (let at = 1; at < files.length; at++) {
    const [before, file] = [files[at - 1], files[at]]
    if (before === undefined || file === undefined) break
    if (before.sequence === file.sequence) {
      throw new StoreCorruptError(`${before.name} and ${file.name} are the same segment`, 0)
    }
    if (before.sequence + 1 !== file.sequence) start = at
  }
  return { files: files.slice(start), leftovers: files.slice(0, start) }
}
