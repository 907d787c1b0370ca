// The screens. State of a screen (filter, opened row) is in its address, so that Back works.
import { createRouter, createWebHashHistory } from 'vue-router';
import { screenNames } from './screens.ts';
import { keepPlace, lastScreen, placeOf } from './stores/lastPlace.ts';
import OverviewView from './views/OverviewView.vue';

const later = {
  topology: () => import('./views/TopologyView.vue'),
  heat: () => import('./views/HeatView.vue'),
  queues: () => import('./views/QueuesView.vue'),
  tasks: () => import('./views/TasksView.vue'),
  schedules: () => import('./views/SchedulesView.vue'),
  nodes: () => import('./views/NodesView.vue'),
  audit: () => import('./views/AuditView.vue'),
  settings: () => import('./views/SettingsView.vue'),
  submit: () => import('./tasks/SubmitDialog.vue'),
  palette: () => import('./palette/CommandPalette.vue'),
};
/** Fetches the other screens once the first one stands, so that they open also while the hub is down. */
export function fetchOtherScreens(): void {
  requestIdleCallback(() => {
    for (const fetchScreen of Object.values(later)) void fetchScreen();
  });
}

export const router = createRouter({
  // The page is opened from a file-like origin in Electron: only the part after # is ours.
  history: createWebHashHistory(),
  routes: [
    { path: '/', redirect: () => placeOf(screenNames.find((name) => name === lastScreen()) ?? 'overview') },
    { path: '/overview', name: 'overview', component: OverviewView },
    { path: '/topology', name: 'topology', component: later.topology },
    { path: '/heat', name: 'heat', component: later.heat },
    { path: '/queues', name: 'queues', component: later.queues },
    { path: '/tasks', name: 'tasks', component: later.tasks },
    { path: '/schedules', name: 'schedules', component: later.schedules },
    { path: '/nodes', name: 'nodes', component: later.nodes },
    { path: '/audit', name: 'audit', component: later.audit },
    { path: '/settings', name: 'settings', component: later.settings },
    { path: '/:rest(.*)', redirect: '/overview' },
  ],
});
router.afterEach(keepPlace);
