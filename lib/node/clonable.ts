/**
 * Whether a request can be sent to the state machine's thread. One that cannot would fail in the middle of
 * the troupe, with everything that shares its message, so it is looked at here.
 */
export function isClonable(value: unknown): boolean {
  if (isFlat(value)) return true
  try {
    if (isPlain(value) && Object.values(value).every(isFlat)) return true
    structuredClone(value)
    return true
  } catch {
    return false
  }
}

function isFlat(value: unknown): boolean {
  switch (typeof value) {
    case 'function':
    case 'symbol':
      return false
    case 'object':
      return value === null || value instanceof Uint8Array
    default:
      return true
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
