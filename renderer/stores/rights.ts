// Who is logged in at this window, and what that allows. The host decides; this only spares people a refusal.
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import type { Method } from '../../scheduler/protocol/consoleWire.ts';
import { includes, leastRoleFor } from '../../scheduler/protocol/rights.ts';
import { bridge } from '../link/console.ts';

export const useRights = defineStore('rights', () => {
  const { t } = useI18n({ useScope: 'global' });
  const role = computed(() => bridge.who.value?.role ?? 'nobody');

  function can(method: Method, params?: unknown): boolean {
    return includes(role.value, leastRoleFor(method, params));
  }
  /** Why not, where it cannot. */
  function why(method: Method, params?: unknown): string {
    if (can(method, params)) return '';
    return t('rights.needs', {
      role: t(`role.${leastRoleFor(method, params)}`),
      own: t(`role.${role.value}`),
    });
  }
  return { who: bridge.who, role, can, why };
});
