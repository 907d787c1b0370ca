// Kind `container`: an image run by docker or podman, whichever answers on this node.
import { execFileSync, execFile, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { ContainerWork } from '../../scheduler/protocol/work.ts';
import { runProcess } from './process.ts';
import type { Job, Runner } from './runner.ts';

/** A program that knows `run`, `kill`, `inspect` and `rm` as docker does. */
export type Engine = 'docker' | 'podman';
const engines: readonly Engine[] = ['docker', 'podman'];
/** A daemon that is up answers within milliseconds. */
const answerWithinMs = 5_000;
/** Exit codes of `docker run` and `podman run` where the container did not begin. */
const engineFailedCode = 125;
const cannotStartCodes = [126, 127];

/** The first that answers, daemon included; undefined where none does. Blocks for as long as that takes. */
export function engineOf(path: string = process.env['PATH'] ?? ''): Engine | undefined {
  return engines.find((engine) => isInPath(engine, path) && answers(engine));
}

function isInPath(program: string, path: string): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function answers(engine: Engine): boolean {
  const asked = engine === 'docker' ? '{{.Server.Version}}' : '{{.Version}}';
  try {
    const options = { timeout: answerWithinMs, stdio: ['ignore', 'pipe', 'ignore'] as ('ignore' | 'pipe')[] };
    return execFileSync(engine, ['version', '--format', asked], options).length > 1;
  } catch {
    return false;
  }
}

/** The container outlives its client: a kill names it, and it is removed at the end. */
export const containerRunner =
  (engine: Engine): Runner<ContainerWork> =>
  (job, events) => {
    job.makeFolder();
    const name = `millrace-${String(job.dispatch.token)}`;
    const command = (...words: string[]): void => {
      spawn(engine, words, { stdio: 'ignore', env: job.env }).on('error', () => undefined);
    };
    const run = runProcess(
      { program: engine, programArgs: argumentsOf(job, name), cwd: job.folder, env: job.env },
      {
        ...events,
        end: (end) => {
          execFile(engine, ['inspect', '--format', '{{.State.OOMKilled}}', name], (_, stdout) => {
            execFile(engine, ['rm', '--force', name], () => {
              events.end(explained(end, stdout.trim() === 'true', job));
            });
          });
        },
      },
    );
    return {
      ask: () => {
        command('kill', '--signal', 'TERM', name);
      },
      kill: () => {
        command('kill', name);
        run.kill();
      },
    };
  };

/** Values stand in the client's environment, where a list of processes does not show them. */
function argumentsOf({ work, dispatch, folder, env }: Job<ContainerWork>, name: string): string[] {
  const names = [...Object.keys(work.env), ...Object.keys(env).filter((key) => key.startsWith('MILLRACE_'))];
  return [
    ...['run', '--init', '--name', name, '--label', 'millrace.token=' + String(dispatch.token)],
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...(dispatch.cpu > 0 ? ['--cpus', (dispatch.cpu / 1_000).toFixed(3)] : []),
    ...(dispatch.memory > 0 ? ['--memory', `${String(dispatch.memory)}m`] : []),
    ...['--volume', `${folder}:/work`, '--workdir', '/work'],
    ...names.flatMap((key) => ['--env', key]),
    work.image,
    ...work.argv,
  ];
}

function explained(
  end: AttemptEnd,
  wasOutOfMemory: boolean,
  { work, dispatch }: Job<ContainerWork>,
): AttemptEnd {
  if (wasOutOfMemory) {
    const message = `the container took more than its ${String(dispatch.memory)} MiB`;
    return { ...end, reason: 'out_of_memory', message };
  }
  const code = end.exitCode ?? 0;
  if (end.reason !== 'exit' || (code !== engineFailedCode && !cannotStartCodes.includes(code))) return end;
  const what =
    code === engineFailedCode ? `image ${work.image} could not be run` : 'its program could not be started';
  return { reason: 'spawn_failed', message: `${what}; the log of the attempt has the reason` };
}
