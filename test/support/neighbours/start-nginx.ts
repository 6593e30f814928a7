import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { request } from 'undici'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'
import { tempDir } from '../temp-dir.ts'

export interface Nginx extends AsyncDisposable {
  url: string
}

/** A real nginx in front of another server, with all that is not said here as nginx has it by itself. */
export async function startNginx(upstream: string): Promise<Nginx> {
  const dir = await tempDir()
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    dir.file('nginx.conf'),
    `pid ${dir.file('pid')};
error_log ${dir.file('error.log')};
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${dir.file(name)};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass ${upstream}; }
  }
}
`
  )
  const child = spawn('nginx', ['-c', dir.file('nginx.conf'), '-e', dir.file('error.log'), '-g', 'daemon off;'], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
  })
  const exited = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  await eventually(async () => (await request(`${url}/healthz`)).statusCode === 200)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
      await dir[Symbol.asyncDispose]()
    }
  }
}
