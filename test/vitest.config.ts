import { defineConfig } from 'vitest/config'

/** Unit tests touch no process and no port; the others start real neighbours, so they get time and run one file at a time. */
const neighbours = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // A retried test hides a race, and a race is what these tests are for.
    retry: 0,
    projects: [
      { extends: true, test: { name: 'unit', include: ['unit/**/*.test.ts'] } },
      { extends: true, test: { name: 'integration', include: ['integration/**/*.test.ts'], ...neighbours } },
      { extends: true, test: { name: 'e2e', include: ['e2e/**/*.test.ts'], ...neighbours } }
    ]
  }
})
