import { X509Certificate } from 'node:crypto'
import { hostname } from 'node:os'
import { createSecureContext } from 'node:tls'
import { tlsOf } from './edges.ts'
import { Access } from '../access/access.ts'
import type { ManifestFacts } from '../access/command-rules.ts'
import { Credentials, namesOf } from '../access/credentials.ts'
import type { Config } from '../config.ts'
import { KontrolError, messageOf } from '../errors.ts'
import { isSameIp } from '../model/ip.ts'
import type { Logger } from '../platform/logger.ts'
import type { Registry } from '../registry/registry.ts'
import { parseMasterAddress } from '../slave/master-address.ts'

/** The secrets of this process; a file that becomes unusable is told, and changes nothing. */
export function createCredentials({ secretSources, secrets }: Config, logger: Logger): Credentials {
  return new Credentials(secretSources, secrets, (problems) => {
    if (problems.length === 0) logger.info('secrets read again')
    else logger.error({ problems }, 'changed secrets cannot be used, those before stay in force')
  })
}

export interface AccessDeps {
  config: Config
  credentials: Credentials
  registry: Registry | undefined
  /** Of the automaton in this process. */
  manifest: ManifestFacts | undefined
}

/** What every door asks: see src/access/policy.ts. */
export function createAccess({ config, credentials, registry, manifest }: AccessDeps): Access {
  const certificate = certificateOf(config)
  return new Access({
    rules: { ownApp: config.app, feeds: (address) => feeds(address, config, registry) },
    credentials,
    mutualTls: config.tlsClientCa !== undefined,
    tls: certificate !== undefined,
    zerorpc: config.zerorpc,
    ownFingerprint: certificate?.fingerprint256,
    names: namesOfControlTier(config, certificate),
    manifest
  })
}

/** @throws KontrolError KTL_CONFIG_INVALID for what is no certificate, or not with this key */
function certificateOf(config: Config): X509Certificate | undefined {
  const { tls } = tlsOf(config)
  if (tls === undefined) return undefined
  try {
    createSecureContext(tls)
    return new X509Certificate(tls.cert)
  } catch (cause) {
    throw new KontrolError(
      'KTL_CONFIG_INVALID',
      `KONTROL_TLS_CERT and KONTROL_TLS_KEY are no pair: ${messageOf(cause)}`,
      {
        hint: 'Name PEM files with a certificate chain and its unencrypted key.',
        cause
      }
    )
  }
}

/** Hosts are taken from the proxies, where this process knows them itself. */
function feeds(address: string | undefined, { app, ip }: Config, registry: Registry | undefined): boolean {
  if (registry === undefined) return true
  if (address === undefined) return false
  const proxies = registry.snapshot().apps.get(app)?.ips ?? []
  return [ip, ...proxies].some((own) => isSameIp(own, address))
}

/** Those that were configured anywhere: a browser that uses another was led here by somebody else's name. */
function namesOfControlTier(
  { names, id, masters, port }: Config,
  certificate: X509Certificate | undefined
): Set<string> {
  const inCertificate = certificate === undefined ? [] : namesOf({ subjectaltname: certificate.subjectAltName ?? '' })
  const ofMasters = masters.map((master) => parseMasterAddress(master, port).host)
  return new Set([...(names ?? []), ...inCertificate, ...ofMasters, id, hostname()].map((name) => name.toLowerCase()))
}
