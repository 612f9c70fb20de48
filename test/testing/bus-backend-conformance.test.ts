import { describe, it } from 'vitest'
import { memoryBackend } from '../../src/bus/index.ts'
import { busBackendConformance } from '../../src/testing/index.ts'

describe('the memory backend', () => {
  for (const { name, run } of busBackendConformance(() => memoryBackend())) it(name, run)
})
