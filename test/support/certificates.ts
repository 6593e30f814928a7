import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { tempDir } from './temp-dir.ts'

export interface Certificate {
  cert: string
  key: string
}

const LOCAL = 'subjectAltName=IP:127.0.0.1,DNS:localhost'

/** A self-signed certificate for 127.0.0.1 that is its own authority; good for a day. */
export async function selfSigned(subjectName = '/CN=localhost'): Promise<Certificate> {
  return await made(subjectName, LOCAL)
}

/** A certificate with this name, which the authority has signed. */
export async function signedBy(authority: Certificate, name: string): Promise<Certificate> {
  await using folder = await tempDir()
  const [ca, caKey] = [folder.file('ca.pem'), folder.file('ca-key.pem')]
  await writeFile(ca, authority.cert)
  await writeFile(caKey, authority.key)
  return await made('/CN=client', `subjectAltName=DNS:${name}`, ['-CA', ca, '-CAkey', caKey])
}

async function made(subjectName: string, names: string, signer: readonly string[] = []): Promise<Certificate> {
  await using folder = await tempDir()
  const [key, cert] = [folder.file('key.pem'), folder.file('cert.pem')]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
  const subject = ['-subj', subjectName, '-addext', names, ...signer]
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
}
