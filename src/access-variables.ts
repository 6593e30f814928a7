import { commaList, existingFile, oneOf, text } from './platform/env-parsers.ts'
import { variable, type EnvVar } from './platform/env-table.ts'

const pemFile = (name: string, doc: string): EnvVar<string | undefined> => ({
  name,
  doc,
  fallback: undefined,
  fallbackDoc: 'unset',
  parse: existingFile
})

/** Rows of the table in config.ts: who may do what with the control tier, and whether anybody can listen in. */
export const accessVariables = {
  tokens: variable<readonly string[]>({
    name: 'KONTROL_TOKEN',
    doc: 'Shared secret, or a comma list while you rotate it; when set, writes need Authorization: Bearer',
    fallback: [],
    fallbackDoc: 'unset',
    secret: true,
    parse: commaList
  }),
  tokenFile: variable<string | undefined>({
    name: 'KONTROL_TOKEN_FILE',
    doc: 'File with one shared secret a line',
    fallback: undefined,
    fallbackDoc: 'unset',
    parse: text
  }),
  tlsCert: pemFile(
    'KONTROL_TLS_CERT',
    'PEM file with the certificate chain of the control tier: HTTPS instead of HTTP'
  ),
  tlsKey: pemFile('KONTROL_TLS_KEY', 'PEM file with the key of that certificate'),
  tlsClientCa: pemFile(
    'KONTROL_TLS_CLIENT_CA',
    'PEM file with the authorities whose client certificates are let in: mutual TLS'
  ),
  script: variable<'off' | 'automaton' | 'shell'>({
    name: 'KONTROL_SCRIPT',
    doc: 'What /script and invoke may run: off, automaton, or shell (only with a token or mutual TLS)',
    fallback: 'automaton',
    parse: oneOf('off', 'automaton', 'shell')
  })
}
