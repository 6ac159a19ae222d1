import { parseArgs } from 'node:util'

export type FlagValue = string | number | boolean

/** What a flag may be, and what it is when it is not given. */
export interface FlagRule<T extends FlagValue = FlagValue> {
  readonly default: T
  /** For people: "a whole number from 1 to 9". */
  readonly expected: string
  /** Null: the text is not what is expected. */
  parse(text: string): T | null
}

export type FlagRules = Readonly<Record<string, FlagRule>>

/** The value of each flag. */
export type SettingsOf<Rules extends FlagRules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends FlagRule<infer T> ? T : never
}

/** A command line that cannot be run; the process ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export function whole(byDefault: number, min: number, max: number): FlagRule<number> {
  return {
    default: byDefault,
    expected: `a whole number from ${min} to ${max}`,
    parse: (text) => (/^\d+$/.test(text) ? within(Number(text), min, max) : null),
  }
}

/** With a fraction; tests take tenths of a second. */
export function amount(byDefault: number, min: number, max: number): FlagRule<number> {
  return {
    default: byDefault,
    expected: `a number from ${min} to ${max}`,
    parse: (text) => (/^\d+(\.\d+)?$/.test(text) ? within(Number(text), min, max) : null),
  }
}

export function oneOf<const T extends string>(byDefault: T, ...others: readonly T[]): FlagRule<T> {
  const values: readonly T[] = [byDefault, ...others]
  return {
    default: byDefault,
    expected: `one of ${values.join(', ')}`,
    parse: (text) => values.find((value) => value === text) ?? null,
  }
}

/** Some of `values`, with commas between them; by default all. */
export function someOf(values: readonly string[]): FlagRule<string> {
  return {
    default: values.join(','),
    expected: `some of ${values.join(', ')}, with commas between them`,
    parse: (text) => (text.split(',').every((part) => values.includes(part)) ? text : null),
  }
}

/** Any of `values`, with commas between them; by default none. */
export function anyOf(values: readonly string[]): FlagRule<string> {
  return {
    default: 'none',
    expected: `none, or some of ${values.join(', ')}, with commas between them`,
    parse: (text) => {
      return text === 'none' || text.split(',').every((part) => values.includes(part)) ? text : null
    },
  }
}

/** Any text that `pattern` fits. */
export function text(byDefault: string, expected: string, pattern: RegExp): FlagRule<string> {
  return { default: byDefault, expected, parse: (given) => (pattern.test(given) ? given : null) }
}

function within(value: number, min: number, max: number): number | null {
  return value >= min && value <= max ? value : null
}

/**
 * `--flag value` and `--flag=value` alike.
 * @throws UsageError naming the flag, what was expected, and what was found.
 */
export function readFlags<Rules extends FlagRules>(
  rules: Rules,
  args: readonly string[],
): SettingsOf<Rules> {
  const given = valuesOf(rules, args)
  const read = ([name, rule]: readonly [string, FlagRule]): readonly [string, FlagValue] => {
    const found = given[name]
    if (found === undefined) return [name, rule.default]
    const value = rule.parse(found)
    if (value !== null) return [name, value]
    throw new UsageError(`--${name}: expected ${rule.expected}, found ${JSON.stringify(found)}`)
  }
  return Object.fromEntries(Object.entries(rules).map(read)) as SettingsOf<Rules>
}

function valuesOf(rules: FlagRules, args: readonly string[]): Readonly<Record<string, string>> {
  const named = Object.keys(rules).map((name) => [name, { type: 'string' as const }])
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(named), strict: true })
      .values as Record<string, string>
  } catch (error) {
    const flags = Object.keys(rules).map((name) => `--${name}`)
    throw new UsageError(
      `${(error as Error).message}\nflags: ${[...flags, '--json', '--dir'].join(' ')}`,
    )
  }
}
