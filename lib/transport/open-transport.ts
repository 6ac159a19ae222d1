import type { ActorContext } from '../runtime/actor.js'
import type { CreateTransport, Transport, TransportSpec } from './transport.js'

/** An actor's own instance of the transport, on its own thread. */
export function openTransport(
  spec: TransportSpec,
  context: ActorContext,
): Transport | Promise<Transport> {
  if (spec.create !== undefined) return spec.create(spec.options, context)
  return loadTransport(spec, context)
}

async function loadTransport(spec: TransportSpec, context: ActorContext): Promise<Transport> {
  const loaded: { readonly createTransport: CreateTransport } = await import(spec.module)
  return loaded.createTransport(spec.options, context)
}
