/** How figures are written, on the page and in the sentences that the server makes for it. */

/** `1234567` as `1,234,567`. */
export function whole(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
}

/** `one` or `many`, with the number before it: `1 entry`, `12,345 entries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${Math.round(count) === 1 ? one : many}`
}

/** Three significant digits at most, in the unit that suits: `0.62 ms`, `14 ms`, `3.2 s`, `2 min`. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(ms < 1 ? 2 : 1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`
  return `${whole(ms / 3_600_000)} h`
}

/** Three significant digits at most: `0`, `0.4`, `87`, `12,340` as `12.3k`, `1.22M`. */
export function rate(perS: number): string {
  if (perS < 10) return Number.isInteger(perS) ? `${perS}` : perS.toFixed(1)
  if (perS < 10_000) return whole(perS)
  if (perS < 1_000_000) return `${(perS / 1000).toFixed(perS < 100_000 ? 1 : 0)}k`
  return `${(perS / 1_000_000).toFixed(perS < 10_000_000 ? 2 : 1)}M`
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const
  const power = Math.min(Math.floor(Math.log2(Math.max(1, count)) / 10), units.length - 1)
  const value = count / 1024 ** power
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}

/** In the viewer's own time zone, whatever the locale: 14:02:31. */
export function timeOfDay(at: number): string {
  return new Date(at).toTimeString().slice(0, 8)
}
