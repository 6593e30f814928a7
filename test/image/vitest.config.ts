import { defineConfig } from 'vitest/config'

/** Apart from the other tests: it builds an image, which takes minutes, and needs root. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    retry: 0,
    include: ['*.test.ts'],
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 1_800_000,
    reporters: ['verbose']
  }
})
