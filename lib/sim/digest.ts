/** 32 bits of FNV-1a over text, as a whole number; good enough to tell two replicas apart. */
export function digestOf(text: string, seed = 0x811c9dc5): number {
  let hash = seed
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}
