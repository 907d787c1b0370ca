// The schedule screen's state in its address: the filter, which schedule is opened, and whether calendars are shown.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';

export function useScheduleAddress() {
  const route = useRoute();
  const router = useRouter();
  const single = (name: string) => {
    const value = route.query[name];
    return typeof value === 'string' ? value : '';
  };
  const text = computed(() => single('text'));
  const opened = computed(() => single('schedule'));
  const showsCalendars = computed(() => route.query['calendars'] !== undefined);
  const textPart = (part: string) => (part === '' ? {} : { text: part });

  function filterBy(next: string): void {
    const openedPart = opened.value === '' ? {} : { schedule: opened.value };
    void router.replace({ name: 'schedules', query: { ...textPart(next), ...openedPart } });
  }
  /** None where the id is empty. */
  function open(id: string, inPlace = false): void {
    const query = { ...textPart(text.value), ...(id === '' ? {} : { schedule: id }) };
    const to = { name: 'schedules', query };
    void (inPlace ? router.replace(to) : router.push(to));
  }
  function toggleCalendars(): void {
    const query = { ...textPart(text.value), ...(showsCalendars.value ? {} : { calendars: '' }) };
    void router.replace({ name: 'schedules', query });
  }
  return { text, opened, showsCalendars, filterBy, open, toggleCalendars };
}
