import { readFile } from 'node:fs/promises'
import { envTable } from '../../environment.ts'
import { KontrolError, messageOf } from '../../errors.ts'
import { checkOffline } from '../../haproxy/config/check.ts'
import { haproxyPaths } from '../../haproxy/files/paths.ts'
import { compileTemplate } from '../../render/template.ts'
import { textDiff } from '../../haproxy/config/text-changes.ts'
import { defaultDataFolder, readEnvTable } from '../../config.ts'
import { parseHosts } from '../../model/hosts-json.ts'
import type { Hosts } from '../../model/snapshot.ts'
import { defineCommand, usageError } from '../command.ts'

export const render = defineCommand({
  summary: 'Render a template without a cluster',
  usage: '[--template <file>] [--hosts <file>] [--check] [--diff]',
  options: {
    template: { type: 'string' },
    hosts: { type: 'string' },
    check: { type: 'boolean', default: false },
    diff: { type: 'boolean', default: false }
  },
  optionDocs: {
    template: 'The template; KONTROL_CONFIG_FILE when left out',
    hosts: 'JSON of app to list of addresses, as "kontrol hosts --json" prints it; none when left out',
    check: 'Let HAProxy check what comes out',
    diff: 'Print what would change in $KONTROL_DATA/haproxy/haproxy.cfg instead of the configuration'
  },
  async run({ values }, { env, stdout, stderr }) {
    const { configFile, dataFolder, haproxy, namespace } = readEnvTable(envTable, [['environment', env]]).values
    const file = values.template ?? configFile
    if (file === undefined) throw usageError('render needs a template', 'Name it with --template <file>.')
    const template = compileTemplate(await read(file))
    const hosts = values.hosts === undefined ? new Map<string, string[]>() : readHosts(await read(values.hosts))
    const rendered = template.render({ hosts, namespace })
    // HAProxy wants a final newline, and Jinja2 drops that of the template: the driver adds it as well.
    const text = rendered.endsWith('\n') ? rendered : `${rendered}\n`

    if (values.check) for (const advice of await checkOffline(text, haproxy)) stderr(`warning: ${advice}`)
    if (values.diff) stdout(textDiff(await readRunning(dataFolder ?? defaultDataFolder()), text))
    else stdout(text.slice(0, -1))
  }
})

/** The hosts alone, or the answer of the control tier around them. */
function readHosts(json: string): Hosts {
  const whole = /^\s*\{\s*"digest"\s*:/.test(json) ? (JSON.parse(json) as { hosts?: unknown }).hosts : undefined
  return parseHosts(whole === undefined ? json : JSON.stringify(whole))
}

async function readRunning(dataFolder: string): Promise<string> {
  return await read(haproxyPaths(dataFolder).config)
}

async function read(file: string): Promise<string> {
  return await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new KontrolError('KTL_USAGE', `${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Name a file that is there.'
    })
  })
}
