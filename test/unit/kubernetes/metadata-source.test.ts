import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { detectMetadataSource } from '../../../src/kubernetes/metadata-source.ts'
import { tempDir } from '../../support/temp-dir.ts'

const inCluster = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' }

async function mounts(files: string[]) {
  const dir = await tempDir()
  const paths = { serviceAccount: dir.file('serviceaccount'), downward: dir.file('podinfo') }
  await mkdir(paths.serviceAccount)
  await mkdir(paths.downward)
  for (const file of files) await writeFile(join(dir.path, file), '')
  return { paths, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() }
}

describe('detectMetadataSource', () => {
  it.each([
    { given: 'a service account in a cluster', env: inCluster, files: ['serviceaccount/token'], kind: 'api' },
    { given: 'no token', env: inCluster, files: [], kind: 'none' },
    { given: 'a token and no API server', env: {}, files: ['serviceaccount/token'], kind: 'none' },
    { given: 'mounted labels', env: {}, files: ['podinfo/labels'], kind: 'downward-files' },
    {
      given: 'mounted annotations beside a service account',
      env: inCluster,
      files: ['podinfo/annotations', 'serviceaccount/token'],
      kind: 'downward-files'
    },
    {
      given: 'debug mode',
      env: { ...inCluster, KONTROL_MODE: 'debug, verbose' },
      files: ['serviceaccount/token'],
      kind: 'none'
    }
  ])('takes $kind given $given', async ({ env, files, kind }) => {
    await using mounted = await mounts(files)

    expect(detectMetadataSource(env, mounted.paths)).toBe(kind)
  })
})
