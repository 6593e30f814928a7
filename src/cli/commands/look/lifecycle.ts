import { builtInActions, readManifest } from '../../../lifecycle/manifest/manifest.ts'
import { dialectWarnings } from '../../../lifecycle/shell-dialect.ts'
import { toMermaid } from '../../../lifecycle/manifest/mermaid.ts'
import { shellOf } from '../../automaton.ts'
import { defineCommand, usageError } from '../../command.ts'

export const lifecycle = defineCommand({
  summary: 'Check a lifecycle manifest, or print its states as a Mermaid diagram',
  usage: 'check|graph <file>',
  takes: 2,
  options: {},
  optionDocs: {},
  async run({ positionals }, { env, stdout, stderr }) {
    const [deed, file, ...rest] = positionals
    if ((deed !== 'check' && deed !== 'graph') || file === undefined || rest.length > 0) {
      throw usageError('lifecycle takes a deed and a file', 'Usage: kontrol lifecycle check|graph <file>')
    }
    const { manifest, warnings } = await readManifest(file, builtInActions)
    const dialect = dialectWarnings(manifest, shellOf(env))
    for (const warning of [...warnings, ...dialect]) stderr(`${file}: warning: ${warning}`)
    if (deed === 'graph') stdout(toMermaid(manifest))
    else stdout(`${file}: ${manifest.states.length} states, no problem`)
  }
})
