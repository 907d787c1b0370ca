// The screens. State of a screen (filter, opened row) is in its address, so that Back works.
import { createRouter, createWebHashHistory } from 'vue-router';
import OverviewView from './views/OverviewView.vue';

const later = {
  tasks: () => import('./views/TasksView.vue'),
  nodes: () => import('./views/NodesView.vue'),
  settings: () => import('./views/SettingsView.vue'),
  submit: () => import('./tasks/SubmitDialog.vue'),
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
    { path: '/', redirect: '/overview' },
    { path: '/overview', name: 'overview', component: OverviewView },
    { path: '/tasks', name: 'tasks', component: later.tasks },
    { path: '/nodes', name: 'nodes', component: later.nodes },
    { path: '/settings', name: 'settings', component: later.settings },
    { path: '/:rest(.*)', redirect: '/overview' },
  ],
});
export type ScreenName = 'overview' | 'tasks' | 'nodes' | 'settings';
