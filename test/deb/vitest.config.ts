import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** The Debian package on machines of their own, which take a minute each to make; needs root. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    globalSetup: ['deb/install.ts'],
    include: ['deb/**/*.test.ts'],
    fileParallelism: false,
    retry: 0,
    testTimeout: 180_000,
    hookTimeout: 300_000,
    reporters: ['verbose']
  }
})
