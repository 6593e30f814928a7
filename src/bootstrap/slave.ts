import { tlsOf } from './http.ts'
import { messageOf } from '../errors.ts'
import type { Automaton } from '../lifecycle/automaton.ts'
import { runCommand } from '../lifecycle/command.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { KeepaliveLoop } from '../slave/keepalive-loop.ts'
import { PayloadFile } from '../slave/payload-file.ts'
import { ScriptRunner, type CommandSink } from '../slave/script.ts'
import { SocketSink } from '../slave/socket-sink.ts'
import { ZerorpcClient } from '../zerorpc/zerorpc-client.ts'

/** The loop that reports this pod to its masters. */
export function createKeepaliveLoop(config: Config, clock: Clock, logger: Logger): KeepaliveLoop {
  const { app, role, id, ip, masters, port, ttlSeconds, tokens, payloadFile } = config
  const [token] = tokens
  return new KeepaliveLoop({
    self: { app, role, id, ip },
    masters,
    port,
    ttlMs: ttlSeconds * 1000,
    payload: new PayloadFile({ path: payloadFile, clock, logger }),
    token,
    ...tlsOf(config),
    connectZerorpc: (address) => new ZerorpcClient(address),
    clock,
    logger
  })
}

/** What masters may ask this pod to run. */
export function createScripts(
  config: Config,
  automaton: Automaton | undefined,
  env: NodeJS.ProcessEnv,
  logger: Logger
): ScriptRunner {
  return new ScriptRunner({
    mode: config.script,
    socketPath: config.socket,
    sink: automaton === undefined ? new SocketSink(config.socket) : inProcess(automaton, logger),
    env,
    logger
  })
}

/** Answers as the socket does: what the machine refuses is KO. */
function inProcess(automaton: Automaton, logger: Logger): CommandSink {
  return {
    async execute(commandLine) {
      try {
        return (await runCommand(automaton, commandLine)) ?? 'KO'
      } catch (error) {
        logger.warn({ reason: messageOf(error) }, 'command of a script refused')
        return 'KO'
      }
    }
  }
}
