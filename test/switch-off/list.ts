import type { SwitchOff } from './change.js'
import { actorChanges } from './list-actors.js'
import { coreChanges } from './list-core.js'
import { memberChanges } from './list-members.js'

export const changes: readonly SwitchOff[] = [...coreChanges, ...memberChanges, ...actorChanges]
