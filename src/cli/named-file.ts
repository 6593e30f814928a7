import { readFile } from 'node:fs/promises'
import { KontrolError, messageOf } from '../errors.ts'

/** A file that is named on the command line. The shell may have put a pipe there. */
export const readNamed = async (file: string): Promise<string> => await readFile(file, 'utf8')

/** The same; @throws KontrolError KTL_USAGE when it cannot be read */
export async function readArgument(file: string): Promise<string> {
  return await readNamed(file).catch((cause: unknown) => {
    throw new KontrolError('KTL_USAGE', `${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Name a file that is there.'
    })
  })
}
