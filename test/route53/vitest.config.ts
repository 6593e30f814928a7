import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The records in a Route53 that others wrote; `npm test` holds them against our own double. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    globalSetup: ['route53/install.ts'],
    include: ['route53/**/*.test.ts'],
    fileParallelism: false,
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
