import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** What touches HAProxy once more, with the version that HAPROXY_VERSION names; `npm test` takes this machine's. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    globalSetup: ['haproxy/install.ts'],
    include: ['integration/{haproxy,supervisord}/**/*.test.ts', 'e2e/{main-job,faults/bad-input}.test.ts'],
    // These take minutes: they are held against 2.6 in each run, and against other versions by hand: `npm run test:oracle` takes any.
    exclude: ['integration/haproxy/as-written/{corpus,generated}.test.ts'],
    fileParallelism: false,
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
