import { runSubprocess } from '../../../src/platform/process/subprocess.ts'

/** Runs a program that is expected to succeed; answers what it prints. */
export async function command(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runSubprocess(program, args)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${code}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`)
  return stdout
}
