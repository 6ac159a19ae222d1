/** The token that requests are sent with. It is kept for this tab, and for no longer than it is open. */

const name = 'troupe-token'

export function token(): string | null {
  return sessionStorage.getItem(name)
}

export function useToken(text: string): void {
  sessionStorage.setItem(name, text)
}

export function forgetToken(): void {
  sessionStorage.removeItem(name)
}

export function authorization(): Readonly<Record<string, string>> {
  const known = token()
  return known === null ? {} : { authorization: `Bearer ${known}` }
}
