// What the palette offers: screens, actions, queues, themes and languages; nodes and tasks come from what is typed.
import type { Router } from 'vue-router';
import { formatTaskId, parseTaskId } from '../../scheduler/protocol/brands.ts';
import type { Method } from '../../scheduler/protocol/consoleWire.ts';
import type { Translate } from '../i18n/i18n.ts';
import { languages } from '../i18n/i18n.ts';
import { screenNames } from '../screens.ts';
import { themes, type useAppearanceStore, zones } from '../stores/appearance.ts';
import type { useCommandsStore } from '../stores/commands.ts';
import { placeOf } from '../stores/lastPlace.ts';
import type { PaletteItem } from './paletteItem.ts';

export interface PaletteTools {
  readonly t: Translate;
  readonly router: Router;
  readonly commands: ReturnType<typeof useCommandsStore>;
  readonly appearance: ReturnType<typeof useAppearanceStore>;
}

const screenKeys: Readonly<Record<string, string>> = {
  overview: 'G O',
  topology: 'G T',
  heat: 'G H',
  queues: 'G Q',
  tasks: 'G K',
  schedules: 'G S',
  nodes: 'G N',
  audit: 'G U',
};
const initials: Readonly<Record<string, string>> = {
  overview: 'zl',
  topology: 'tp',
  heat: 'rlt',
  queues: 'dl',
  tasks: 'rw',
  schedules: 'jh',
  nodes: 'jd',
  audit: 'sj',
  settings: 'sz',
  submit: 'xjrw',
  acknowledge: 'qrbj',
  help: 'kjj',
  newNode: 'tjjd',
  newSchedule: 'xjjh',
  simulation: 'mngc',
  storage: 'cc',
  night: 'yj',
  day: 'rj',
  hc: 'gdbd',
};
const actionNeeds: Readonly<Record<string, Method>> = {
  submit: 'submitTasks',
  acknowledge: 'acknowledgeAlarm',
  newNode: 'createEnrolment',
  newSchedule: 'putSchedule',
  simulation: 'startSimulation',
};
const withInitials = (name: string) => (initials[name] === undefined ? {} : { initials: initials[name] });

export function fixedItems({ t, router, commands, appearance }: PaletteTools): readonly PaletteItem[] {
  const go = screenNames.map((name) => ({
    id: `go:${name}`,
    group: 'go' as const,
    text: t(`screen.${name}`),
    ...(screenKeys[name] === undefined ? {} : { keys: screenKeys[name] }),
    ...withInitials(name),
    run: () => void router.push(placeOf(name)),
  }));
  const action = (name: string, run: () => void, keys?: string): PaletteItem => ({
    id: `action:${name}`,
    group: 'action',
    text: t(`palette.action.${name}`),
    ...(keys === undefined ? {} : { keys }),
    ...withInitials(name),
    ...(actionNeeds[name] !== undefined && { needs: actionNeeds[name] }),
    run,
  });
  const ask = (command: 'submit' | 'acknowledge' | 'help') => () => {
    commands.ask(command);
  };
  const actions = [
    action('submit', ask('submit'), 'N'),
    action('acknowledge', ask('acknowledge'), 'A'),
    action('newNode', () => void router.push({ name: 'nodes', query: { add: '1' } })),
    action('newSchedule', () => void router.push({ name: 'schedules', query: { add: '1' } })),
    action('simulation', () => void router.push({ name: 'settings' })),
    action('storage', () => void router.push({ name: 'settings', query: { page: 'storage' } })),
    action('help', ask('help'), '?'),
  ];
  return [...go, ...actions, ...looks(t, appearance)];
}

function looks(t: Translate, appearance: PaletteTools['appearance']): readonly PaletteItem[] {
  const look = (id: string, text: string, run: () => void): PaletteItem => ({
    id: `look:${id}`,
    group: 'look',
    text,
    ...withInitials(id),
    run,
  });
  return [
    ...themes.map((theme) =>
      look(theme, `${t('settings.theme.title')}: ${t(`settings.theme.${theme}`)}`, () => {
        appearance.theme = theme;
      }),
    ),
    ...languages.map((language) =>
      look(language, language === 'en' ? 'Language: English' : '语言：简体中文', () => {
        appearance.language = language;
      }),
    ),
    ...zones.map((zone) =>
      look(zone, `${t('settings.zone.title')}: ${t(`settings.zone.${zone}`)}`, () => {
        appearance.zone = zone;
      }),
    ),
  ];
}

export const queueItem = (name: string, { t, router }: PaletteTools): PaletteItem => ({
  id: `queue:${name}`,
  group: 'queue',
  text: t('palette.openQueue', { queue: name }),
  run: () => void router.push({ name: 'queues', query: { queue: name } }),
});

export const nodeItem = (name: string, { router }: PaletteTools): PaletteItem => ({
  id: `node:${name}`,
  group: 'node',
  text: name,
  run: () => void router.push({ name: 'nodes', query: { node: name } }),
});

/** A task's id opens it; any text filters the tasks. */
export function taskItems(typed: string, { t, router }: PaletteTools): readonly PaletteItem[] {
  const text = typed.replace(/^#/, '').trim();
  if (text === '') return [];
  const isId = typed.startsWith('#') || /^t-/i.test(text);
  const id = isId ? parseTaskId(text) : undefined;
  const open = (query: Record<string, string>) => () =>
    void router.push({ name: 'tasks', query: { ...query, since: 'all' } });
  const byText: PaletteItem = {
    id: 'task.text',
    group: 'task',
    text: t('palette.findTasks', { text }),
    run: open({ text }),
  };
  if (id === undefined) return [byText];
  const byId: PaletteItem = {
    id: 'task.id',
    group: 'task',
    text: t('palette.openTask', { id: formatTaskId(id) }),
    run: open({ task: String(id) }),
  };
  return [byId, byText];
}
