import { readFile } from 'node:fs/promises'
import { KontrolError, messageOf } from '../../../errors.ts'
import { textDiff } from '../../../haproxy/config/text-changes.ts'
import { maskConfiguration } from '../../../model/masking.ts'
import { EXIT_FAILURE, defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs } from '../../control-tier.ts'

/** More than any configuration that is applied. */
const ALL_LINES = 1_000_000

export const diff = defineCommand({
  summary: 'Compare what HAProxy runs with what is wanted, or with a file',
  usage: '[<file>] [--url <url>]',
  takes: 1,
  options: { url: { type: 'string' } },
  optionDocs: { url: controlTierOptionDocs.url },
  async run({ values, positionals: [file] }, { env, stdout }) {
    const tier = new ControlTier(values.url, env)
    const running = await tier.text('GET', '/api/v1/config')
    const wanted = file === undefined ? await tier.text('GET', '/api/v1/config?candidate') : await contentOf(file)
    if (running === wanted) return 0
    stdout(await textDiff(running, wanted, ALL_LINES))
    return EXIT_FAILURE
  }
})

/** As it would be shown: what is secret is masked in what HAProxy runs, too. */
async function contentOf(file: string): Promise<string> {
  try {
    return maskConfiguration(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new KontrolError('KTL_USAGE', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}
