/**
 * What the simulated programs do: `ID put KEY` makes the command's own id the value of a register,
 * `ID cas KEY EXPECTED` does so if the register holds what is expected. Ids are unique, so a value names the
 * command that wrote it.
 */
export type Registers = Map<string, string>

export function put(id: string, key: string): string {
  return `${id} put ${key}`
}

/** `expected`: the id of a command, or empty for a register that was never written. */
export function compareAndSet(id: string, key: string, expected: string): string {
  return `${id} cas ${key} ${expected}`
}

/** Carries a command out. False: the register held something else. */
export function applyTo(registers: Registers, command: string): boolean {
  const [id = '', kind, key = '', expected = ''] = command.split(' ')
  if (kind === 'cas' && (registers.get(key) ?? '') !== expected) return false
  registers.set(key, id)
  return true
}
