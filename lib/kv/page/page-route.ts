import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { forAnyone } from '../access.js'
import { notFound } from '../http-problem.js'
import { noParameters } from '../request-parameters.js'
import { pageFile } from './page-files.js'

/** `/`, the live page, and the files that it is made of. They hold no data: that comes from `/live`. */
export function pageRoutes(app: FastifyInstance): void {
  app.get('/', forAnyone, sendPage)
  app.get('/page/*', forAnyone, sendFile)
}

async function sendPage({ query }: FastifyRequest, reply: FastifyReply) {
  noParameters(query)
  const nonce = randomBytes(16).toString('base64')
  const { type, text } = fileOf('browser/page.html')
  reply.headers({ 'content-type': type, 'content-security-policy': policy(nonce) })
  return text.replaceAll('{{nonce}}', nonce)
}

async function sendFile({ params, query }: FastifyRequest, reply: FastifyReply) {
  noParameters(query)
  const { '*': name } = params as { readonly '*': string }
  const { type, text } = fileOf(name)
  reply.headers({ 'content-type': type })
  return text
}

/**
 * Only the scripts and the style that this very answer names are taken, and what they import; a value of a key
 * is on the same origin and is never one of them.
 */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

function fileOf(name: string) {
  const file = pageFile(name)
  if (file === null) throw notFound(`the page has no file ${name}`)
  return file
}
