import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** What touches HAProxy once more, with the version that the image has, beside which the tests of `npm test` take this machine's. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    globalSetup: ['haproxy3/install.ts'],
    include: ['integration/{haproxy,supervisord}/**/*.test.ts', 'e2e/{main-job,bad-input}.test.ts'],
    fileParallelism: false,
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
