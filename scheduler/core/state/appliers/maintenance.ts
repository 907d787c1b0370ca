// Events of maintenance windows and licences.
import type { Appliers } from './types.ts';

type MaintenanceEvents = 'window_put' | 'window_removed' | 'licence_put' | 'licence_removed';

export const maintenanceAppliers: Appliers<MaintenanceEvents> = {
  window_put(state, event) {
    state.maintenance.put(event.window);
  },
  window_removed(state, event) {
    state.maintenance.remove(event.id);
  },
  licence_put(state, event) {
    state.licences.put(event.licence, event.total);
  },
  licence_removed(state, event) {
    state.licences.remove(event.licence);
  },
};
