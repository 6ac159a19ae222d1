import { TransportError } from './errors.js'

export interface Address {
  readonly host: string
  readonly port: number
}

/** `host:port`; an IPv6 host is in brackets, as in `[::1]:7701`. */
export function parseAddress(address: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || host === '' || !(port <= 65535)) {
    throw new TransportError(
      'RAFT_ADDRESS_INVALID',
      `"${address}" is not an address; write host:port, an IPv6 host in brackets`,
      { address },
    )
  }
  return { host, port }
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Only programs on this machine reach it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Listens on every interface: no address that another node could dial. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** What other nodes dial: `advertise`, with the port really bound in place of port 0. */
export function advertisedAddress(advertise: string, bound: string): string {
  const { host, port } = parseAddress(advertise)
  return port === 0 ? formatAddress({ host, port: parseAddress(bound).port }) : advertise
}
