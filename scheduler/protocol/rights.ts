// The least role of each method. A method that is not here does not compile.
import { type Role, roles } from './accounts.ts';
import type { Method } from './consoleWire.ts';

/** `anyone`: also before login. */
export type LeastRole = Role | 'anyone';

export const leastRoles: Readonly<Record<Method, LeastRole>> = {
  hello: 'anyone',
  login: 'anyone',
  logout: 'anyone',
  whoAmI: 'anyone',
  changePassword: 'viewer',

  watchOverview: 'viewer',
  listTasks: 'viewer',
  countTasks: 'viewer',
  getTask: 'viewer',
  getStates: 'viewer',
  whyTask: 'viewer',
  readLog: 'viewer',
  watchLog: 'viewer',
  listGroups: 'viewer',
  getGroup: 'viewer',
  listNodes: 'viewer',
  getNode: 'viewer',
  getSummary: 'viewer',
  listTenants: 'viewer',
  listWindows: 'viewer',
  listLicences: 'viewer',
  getTopology: 'viewer',
  watchFleet: 'viewer',
  getTrace: 'viewer',
  getStorage: 'viewer',
  getSimulation: 'viewer',
  previewBulk: 'viewer',
  listSchedules: 'viewer',
  getSchedule: 'viewer',
  previewSchedule: 'viewer',
  listCalendars: 'viewer',
  getCalendar: 'viewer',
  getRecorder: 'viewer',
  seekRecorder: 'viewer',
  stopSeek: 'viewer',
  recorderTopology: 'viewer',
  recorderFrame: 'viewer',
  recorderTasks: 'viewer',
  recorderNodes: 'viewer',
  recorderWhy: 'viewer',
  getWhatIf: 'viewer',

  submitTasks: 'operator',
  submitWorkflow: 'operator',
  retryWorkflow: 'operator',
  cancelTasks: 'operator',
  requeueTasks: 'operator',
  startBulk: 'operator',
  cancelJob: 'operator',
  setCordon: 'operator',
  acknowledgeAlarm: 'operator',
  runScheduleNow: 'operator',

  forgetNode: 'engineer',
  declareLost: 'engineer', // may make work run twice
  putQueue: 'engineer', // its mode alone: operator, see `leastRoleFor`
  removeQueue: 'engineer',
  putTenant: 'engineer',
  removeTenant: 'engineer',
  putWindow: 'engineer',
  removeWindow: 'engineer',
  putLicence: 'engineer',
  removeLicence: 'engineer',
  putSchedule: 'engineer',
  removeSchedule: 'engineer',
  putCalendar: 'engineer',
  removeCalendar: 'engineer',
  listEnrolments: 'engineer',
  startExport: 'engineer', // writes a file on the host
  startSimulation: 'engineer',
  endSimulation: 'engineer',
  getAudit: 'engineer', // tells who works when
  listAudit: 'engineer',
  verifyAudit: 'engineer',
  exportAudit: 'engineer',
  startWhatIf: 'engineer',
  cancelWhatIf: 'engineer',
  getLogLevel: 'engineer',

  createEnrolment: 'administrator', // shows a secret
  revokeEnrolment: 'administrator',
  revokeNode: 'administrator',
  renewCertificate: 'administrator',
  setLogLevel: 'administrator',
  setRetention: 'administrator',
  setBackupPlan: 'administrator',
  startBackup: 'administrator', // a backup holds the secrets
  listUsers: 'administrator',
  saveUser: 'administrator',
  removeUser: 'administrator',
  resetPassword: 'administrator',
  listTokens: 'administrator',
  createToken: 'administrator',
  revokeToken: 'administrator',
};

/** To pause, drain or resume a queue is an operator's act; the other settings of a queue are not. */
export function leastRoleFor(method: Method, params?: unknown): LeastRole {
  return method === 'putQueue' && changesOnlyMode(params) ? 'operator' : leastRoles[method];
}

function changesOnlyMode(params: unknown): boolean {
  const { change } = (params ?? {}) as { readonly change?: unknown };
  if (typeof change !== 'object' || change === null) return false;
  const names = Object.keys(change);
  return names.length === 1 && names[0] === 'mode';
}

/** Whether this role includes the other. */
export function includes(role: Role | 'nobody', least: LeastRole): boolean {
  if (least === 'anyone') return true;
  return role !== 'nobody' && roles.indexOf(role) >= roles.indexOf(least);
}
