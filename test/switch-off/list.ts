import type { SwitchOff } from './change.js'
import { actorChanges } from './list-actors.js'
import { coreChanges } from './list-core.js'

export const changes: readonly SwitchOff[] = [...coreChanges, ...actorChanges]
