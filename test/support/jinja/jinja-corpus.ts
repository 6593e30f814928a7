import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '../../fixtures/jinja-corpus')

export interface CorpusTemplate {
  file: string
  heading: string
  template: string
}

/** JSON text in the way of Python: what all templates of the corpus are rendered with. */
export const corpusVariables = readFileSync(join(FOLDER, 'variables.json'), 'utf8').replaceAll('\n', ' ')

/**
 * Templates of our own after what is found in the wild, each below a heading
 * that begins with "=== ". Those of differences.txt print other than Jinja2,
 * for the reason that docs/templates.md gives under the same heading.
 */
export function readCorpus(): CorpusTemplate[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.txt'))
    .flatMap((file) =>
      readFileSync(join(FOLDER, file), 'utf8')
        .split(/^=== /m)
        .slice(1)
        .map((part) => {
          const end = part.indexOf('\n')
          return { file: file.replace('.txt', ''), heading: part.slice(0, end), template: part.slice(end + 1, -1) }
        })
    )
}
