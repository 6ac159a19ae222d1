import { type HttpProblem, methodNotAllowed, notFound } from './http-problem.js'

interface Path {
  readonly pattern: RegExp
  readonly methods: readonly string[]
}

const paths: readonly Path[] = [
  { pattern: /^\/(live|page\/.+)?$/, methods: ['GET', 'HEAD'] },
  { pattern: /^\/kv\/.*$/, methods: ['GET', 'HEAD', 'PUT', 'DELETE'] },
  { pattern: /^\/kv$/, methods: ['GET', 'HEAD', 'POST'] },
  { pattern: /^\/(status|healthz|readyz|diagnostics|metrics)$/, methods: ['GET', 'HEAD'] },
  { pattern: /^\/members$/, methods: ['GET', 'HEAD', 'POST'] },
  { pattern: /^\/members\/[^/]+$/, methods: ['PUT', 'DELETE'] },
  { pattern: /^\/(leadership|restore)$/, methods: ['POST'] },
  { pattern: /^\/snapshot$/, methods: ['GET', 'HEAD', 'POST'] },
]

/** Why no handler was found for this method and path. */
export function whyUnrouted(method: string, url: string): HttpProblem {
  const path = url.split('?', 1)[0] ?? ''
  const found = paths.find(({ pattern }) => pattern.test(path))
  return found === undefined
    ? notFound(`there is nothing at ${path}`)
    : methodNotAllowed(method, found.methods)
}
