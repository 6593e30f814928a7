import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const MAIN = join(import.meta.dirname, '../../../dist/main.js')

const conf = readFileSync(join(import.meta.dirname, '../../../docker/supervisor/kontrol.conf'), 'utf8')
const [, words] = /^command=node (.*)\/opt\/kontrol\/dist\/main\.js run$/m.exec(conf) ?? []
if (words === undefined) throw new Error('docker/supervisor/kontrol.conf does not start Node as it did')

/** Node and the program, as the image starts them. */
export const PROGRAM: readonly [string, ...string[]] = [process.execPath, ...words.split(' ').filter(Boolean), MAIN]
