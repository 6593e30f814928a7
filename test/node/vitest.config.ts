import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/**
 * What a newer Node could break: the main job, no request lost, the original's clients, both stores. With the Node
 * that runs this, and the HAProxy that HAPROXY_VERSION names; the whole suite runs on the machine's own.
 */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    globalSetup: ['haproxy/install.ts'],
    include: [
      'e2e/{main-job,kontrol/kontrol-clients}.test.ts',
      'integration/haproxy/zero-drop.test.ts',
      'integration/registry/{etcd,lmdb}-store.test.ts'
    ],
    fileParallelism: false,
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
