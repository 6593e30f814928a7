import { commaList, file, oneOf, optional, secret, text, variable } from '../platform/env-parsers.ts'

/** Who may do what with the control tier, and whether anybody can listen in: what commands that ask it read too. */
export const accessVariables = {
  token: secret(
    'KONTROL_TOKEN',
    'Secret of operators, or a comma list while you rotate it; when set, writes need Authorization: Bearer'
  ),
  tokenFile: optional(
    'KONTROL_TOKEN_FILE',
    'File with one secret of operators a line, read again when it changes',
    text
  ),
  pingToken: secret(
    'KONTROL_PING_TOKEN',
    'Comma list of secrets that may send keepalives and nothing else: secret, or app=secret for the pods of one app'
  ),
  pingTokenFile: optional('KONTROL_PING_TOKEN_FILE', 'File with one such secret a line', text),
  readToken: secret(
    'KONTROL_READ_TOKEN',
    'Comma list of secrets; when set, reads beyond /healthz and /readyz need one'
  ),
  readTokenFile: optional('KONTROL_READ_TOKEN_FILE', 'File with one such secret a line', text),
  verify: variable<'off' | 'key' | 'peer'>({
    name: 'KONTROL_VERIFY',
    doc: 'What is checked of a keepalive: key = its key is base62 of its ip; peer = and its ip is where it comes from',
    fallback: 'off',
    parse: oneOf('off', 'key', 'peer')
  }),
  names: optional(
    'KONTROL_NAMES',
    'Comma list of names under which browsers may open this control tier, beside its addresses and localhost',
    (raw) => commaList(raw).map((name) => name.toLowerCase())
  ),
  zerorpc: variable<'auto' | 'clear' | 'off'>({
    name: 'KONTROL_ZERORPC',
    doc: "Kontrol's last generation on the same port: auto = refused where TLS or any credential is on; clear = taken in clear beside TLS as well; off",
    fallback: 'auto',
    parse: oneOf('auto', 'clear', 'off')
  }),
  tlsCert: file('KONTROL_TLS_CERT', 'PEM file with the certificate chain of the control tier: HTTPS instead of HTTP'),
  tlsKey: file('KONTROL_TLS_KEY', 'PEM file with the key of that certificate'),
  tlsClientCa: file(
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
