import { inspect } from 'node:util'
import { expect } from 'vitest'

const MOST = 3

/**
 * A HAProxy that nobody can reach any more hands over no sockets: what waits at them, and was not accepted in the moment in
 * which it is told to finish, is reset. Nothing else may go wrong.
 */
export function expectFewResets(failures: readonly unknown[]): void {
  expect(failures.filter((failure) => !inspect(failure).includes('ECONNRESET'))).toEqual([])
  expect(failures.length).toBeLessThanOrEqual(MOST)
}
