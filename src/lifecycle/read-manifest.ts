import { readFile } from 'node:fs/promises'
import { KontrolError, messageOf } from '../errors.ts'
import { parseManifest, type ParsedManifest } from './manifest.ts'

/** @throws KontrolError KTL_MANIFEST_INVALID, also for a file that cannot be read */
export async function readManifest(file: string, actions: readonly string[]): Promise<ParsedManifest> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new KontrolError('KTL_MANIFEST_INVALID', `Cannot read the lifecycle manifest ${file}: ${messageOf(cause)}`, {
      hint: 'Check the path, and that this user may read it.',
      cause
    })
  }
  return parseManifest(text, { file, actions })
}
