/** The type byte of every frame. A number is never given a new meaning; see `messages.ts`. */
export const FrameType = {
  requestVote: 1,
  voteReply: 2,
  appendEntries: 3,
  appendReply: 4,
  heartbeat: 5,
  heartbeatReply: 6,
  timeoutNow: 7,
  snapshotChunk: 8,
  snapshotChunkReply: 9,
  forwardRequest: 10,
  forwardReply: 11,
  removed: 12,
} as const

export type FrameType = (typeof FrameType)[keyof typeof FrameType]

const names = new Map<number, string>(Object.entries(FrameType).map(([name, type]) => [type, name]))

export function isFrameType(type: number): type is FrameType {
  return names.has(type)
}

/** For logs and errors. */
export function frameTypeName(type: number): string {
  return names.get(type) ?? `type ${type}`
}
