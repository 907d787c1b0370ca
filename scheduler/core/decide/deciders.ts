// Which function decides which command. A new command is one line here.
import type { SubmitAnswer } from '../../protocol/consoleAnswers.ts';
import type { Command } from '../../protocol/events.ts';
import { accepted, type Outcome, type Refusal } from '../../protocol/outcome.ts';
import { reportResults, reportStarted } from './attemptReport.ts';
import { disconnectNode, forgetNode, heartbeat, type Joined, joinNode, setCordon } from './nodeLifecycle.ts';
import { declareLost } from './declareLost.ts';
import { createEnrolment, enrolNode, replaceKey, revokeEnrolment, revokeNode } from './identity.ts';
import { putQueue, putTenant, removeQueue, removeTenant } from './queues.ts';
import { putCalendar, putSchedule, removeCalendar, removeSchedule, runSchedule } from './schedules.ts';
import { scheduleDue } from './scheduleDue.ts';
import { submitTasks } from './submit.ts';
import { cancelTask, requeueTask } from './taskControl.ts';
import { putLicence, putWindow, removeLicence, removeWindow } from './maintenance.ts';
import type { Turn } from './turn.ts';
import { submitWorkflow } from './workflows.ts';

/** Answer of a command, by its kind. */
export interface Answer {
  readonly answers?: readonly SubmitAnswer[];
  readonly joined?: Joined;
}

/** All but `StartEpoch`, which the core answers itself: it changes the core's own randomness. */
type Decided = Exclude<Command, { kind: 'StartEpoch' }>;
type CommandOf<Kind extends Decided['kind']> = Extract<Decided, { kind: Kind }>;
type Deciders = {
  readonly [Kind in Decided['kind']]: (turn: Turn, command: CommandOf<Kind>) => Outcome<Answer, Refusal>;
};

const done = accepted<Answer>({});
/** Of a decider that answers only whether it was taken. */
const plain =
  <Asked>(taken: (turn: Turn, command: Asked) => Outcome<undefined, Refusal>) =>
  (turn: Turn, command: Asked): Outcome<Answer, Refusal> => {
    const outcome = taken(turn, command);
    return outcome.ok ? done : outcome;
  };
/** Of a decider that refuses nothing. */
const always =
  <Asked>(take: (turn: Turn, command: Asked) => void) =>
  (turn: Turn, command: Asked): Outcome<Answer, Refusal> => {
    take(turn, command);
    return done;
  };

const deciders: Deciders = {
  SubmitTasks: (turn, command) => accepted({ answers: submitTasks(turn, command) }),
  SubmitWorkflow: (turn, command) => {
    const taken = submitWorkflow(turn, command);
    return taken.ok ? accepted({ answers: [{ ok: true, taskId: taken.value }] }) : taken;
  },
  CancelTask: plain(cancelTask),
  RequeueTask: plain(requeueTask),
  EnrolNode: plain(enrolNode),
  ReplaceKey: plain(replaceKey),
  RevokeNode: plain(revokeNode),
  CreateEnrolment: plain(createEnrolment),
  RevokeEnrolment: plain(revokeEnrolment),
  JoinNode: (turn, command) => {
    const joined = joinNode(turn, command);
    return joined.ok ? accepted({ joined: joined.value }) : joined;
  },
  Heartbeat: always(heartbeat),
  DisconnectNode: always(disconnectNode),
  ReportStarted: always(reportStarted),
  ReportResults: always(reportResults),
  SetCordon: plain(setCordon),
  ForgetNode: plain(forgetNode),
  DeclareLost: plain(declareLost),
  PutQueue: plain(putQueue),
  RemoveQueue: plain(removeQueue),
  PutTenant: plain(putTenant),
  RemoveTenant: plain(removeTenant),
  PutWindow: plain(putWindow),
  RemoveWindow: plain(removeWindow),
  PutLicence: plain(putLicence),
  RemoveLicence: plain(removeLicence),
  PutSchedule: plain(putSchedule),
  RemoveSchedule: plain(removeSchedule),
  RunSchedule: (turn, command) => {
    const ran = runSchedule(turn, command);
    return ran.ok ? accepted({ answers: [{ ok: true, taskId: ran.value }] }) : ran;
  },
  ScheduleDue: plain(scheduleDue),
  PutCalendar: plain(putCalendar),
  RemoveCalendar: plain(removeCalendar),
};

export function decide(turn: Turn, command: Decided): Outcome<Answer, Refusal> {
  // The table is typed by kind; the compiler cannot see that both sides of this call have the same one.
  const decider = deciders[command.kind] as (turn: Turn, command: Decided) => Outcome<Answer, Refusal>;
  return decider(turn, command);
}
