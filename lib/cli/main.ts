#!/usr/bin/env node
import { reportFailure } from './failure.js'
import { troupeProgram } from './program.js'

// Whoever read our output has gone (`troupe dev | head -1`): the nodes go on all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

// The exit code is set, not forced: the process ends once everything that it opened is closed.
troupeProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = reportFailure(error)
  })
