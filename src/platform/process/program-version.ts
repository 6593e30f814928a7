import { readFileSync } from 'node:fs'

/** Of package.json, which stands beside src/ and beside dist/. */
export const programVersion: string = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
