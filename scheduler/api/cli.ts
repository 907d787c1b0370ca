// `millrace COMMAND ...`: the scheduler from a terminal or a script. A thin client of the door for programs.
import * as accounts from './commands/accounts.ts';
import { audit } from './commands/audit.ts';
import { tasks } from './commands/bulk.ts';
import { type Command, type Given, helpOf, readGiven } from './commands/command.ts';
import { connect } from './commands/connect.ts';
import { CommandFailed, exitCodes } from './commands/exitCodes.ts';
import { groups, retryWorkflow, submitWorkflow } from './commands/groups.ts';
import {
  createEnrolment,
  enrolments,
  renewCertificate,
  revokeEnrolment,
  revokeNode,
} from './commands/identity.ts';
import { harmless, harmlessJson } from './commands/harmless.ts';
import { count, list } from './commands/list.ts';
import { log } from './commands/log.ts';
import { logs } from './commands/logs.ts';
import {
  licences,
  putLicence,
  putWindow,
  removeLicence,
  removeWindow,
  windows,
} from './commands/maintenance.ts';
import { cordon, declareLost, health, nodes, uncordon } from './commands/plant.ts';
import * as queueCommands from './commands/queues.ts';
import { at, recorder } from './commands/recorder.ts';
import { calendars, putCalendar, removeCalendar } from './commands/calendars.ts';
import {
  previewSchedule,
  putSchedule,
  removeSchedule,
  runSchedule,
  schedules,
} from './commands/schedules.ts';
import { submit } from './commands/submit.ts';
import { backup, exportTasks, storage } from './commands/storage.ts';
import { cancel, get, retry, why } from './commands/tasks.ts';
import { wait } from './commands/wait.ts';
import { whatIf } from './commands/whatIf.ts';

const commands: Readonly<Record<string, Command>> = {
  submit,
  'submit-workflow': submitWorkflow,
  groups,
  'retry-workflow': retryWorkflow,
  list,
  count,
  get,
  logs,
  log,
  why,
  wait,
  cancel,
  retry,
  tasks,
  nodes,
  cordon,
  uncordon,
  'declare-lost': declareLost,
  'revoke-node': revokeNode,
  enrolments,
  'create-enrolment': createEnrolment,
  'revoke-enrolment': revokeEnrolment,
  'renew-certificate': renewCertificate,
  queues: queueCommands.queues,
  'put-queue': queueCommands.putQueue,
  'pause-queue': queueCommands.pauseQueue,
  'resume-queue': queueCommands.resumeQueue,
  'drain-queue': queueCommands.drainQueue,
  'remove-queue': queueCommands.removeQueue,
  tenants: queueCommands.tenants,
  'put-tenant': queueCommands.putTenant,
  'remove-tenant': queueCommands.removeTenant,
  windows,
  'put-window': putWindow,
  'remove-window': removeWindow,
  licences,
  'put-licence': putLicence,
  'remove-licence': removeLicence,
  schedules,
  'put-schedule': putSchedule,
  'remove-schedule': removeSchedule,
  'run-schedule': runSchedule,
  'preview-schedule': previewSchedule,
  calendars,
  'put-calendar': putCalendar,
  'remove-calendar': removeCalendar,
  health,
  storage,
  backup,
  export: exportTasks,
  recorder,
  at,
  'what-if': whatIf,
  whoami: accounts.whoami,
  users: accounts.users,
  'put-user': accounts.putUser,
  'reset-password': accounts.resetPassword,
  'remove-user': accounts.removeUser,
  tokens: accounts.tokens,
  'create-token': accounts.createToken,
  'revoke-token': accounts.revokeToken,
  audit,
};

/** Commands that others answer, for the list: what each is for, by name. */
type OtherCommands = Readonly<Record<string, string>>;

const usageWith = (others: OtherCommands): string => `millrace COMMAND [options]: tasks for the plant
${[...Object.entries(commands).map(([name, { about }]) => [name, about] as const), ...Object.entries(others)]
  .map(([name, about]) => `  ${name.padEnd(16)} ${about}`)
  .join('\n')}
Every command: --help, --json, --hub URL, --token TOKEN, --data DIR, --ca FILE.
Exit codes: 0 ok; 1 a task failed, or some were refused; 2 wrong usage; 3 no hub; 4 token; 5 not found;
  6 refused; 7 no room now; 8 the hub failed; 124 --timeout passed;
  130 Ctrl-C. wait and submit --wait pass on the task's own.
`;

interface Terminal {
  readonly out: (text: string) => void;
  readonly say: (text: string) => void;
  readonly input: AsyncIterable<Buffer | string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Resolves to the exit code. */
export function runCommandLine(
  args: readonly string[],
  { out, say, input, environment }: Terminal,
  others: OtherCommands = {},
): Promise<number> {
  const safe = args.includes('--json') ? harmlessJson : harmless;
  const terminal: Terminal = {
    out: (text) => {
      out(safe(text));
    },
    say: (text) => {
      say(safe(text));
    },
    input,
    environment,
  };
  return runOn(args, terminal, others);
}

async function runOn(args: readonly string[], terminal: Terminal, others: OtherCommands): Promise<number> {
  const [name = '', ...rest] = args;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    const isHelp = ['help', '--help', '-h'].includes(name);
    if (isHelp) terminal.out(usageWith(others));
    else
      terminal.say(
        name === '' ? usageWith(others) : `millrace: there is no command ${name}; see millrace --help\n`,
      );
    return isHelp ? exitCodes.ok : exitCodes.usage;
  }
  try {
    return await runCommand(name, command, readGiven(command, rest), terminal);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    terminal.say(inWords(error, name, rest.includes('--json')));
    return error.exitCode;
  }
}

function runCommand(name: string, command: Command, given: Given, terminal: Terminal): Promise<number> {
  const { out, say, input, environment } = terminal;
  if (given.flag('help')) {
    out(helpOf(name, command));
    return Promise.resolve(exitCodes.ok);
  }
  const client = connect(given, environment);
  return command.run(given, { client, out, say, input, isJson: given.flag('json') });
}

function inWords({ exitCode, message, problem }: CommandFailed, name: string, isJson: boolean): string {
  if (isJson && problem) return `${JSON.stringify(problem)}\n`;
  const help = exitCode === exitCodes.usage ? `; see millrace ${name} --help` : '';
  return `millrace: ${message}${help}\n`;
}
