import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The chart and the overlays, by the real helm and kubectl. With `-u` it writes docker/kubernetes/base/haproxy.yaml anew. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    globalSetup: ['manifests/install.ts'],
    include: ['manifests/**/*.test.ts'],
    retry: 0,
    testTimeout: 60_000,
    hookTimeout: 60_000
  }
})
