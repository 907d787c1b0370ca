// `v-needs="'setCordon'"`: a button whose method the role does not allow is off and says which role it needs.
import { type DirectiveBinding, type ObjectDirective, type WatchHandle, watchEffect } from 'vue';
import type { Method } from '../../scheduler/protocol/consoleWire.ts';
import { useRights } from '../stores/rights.ts';

/** A method, or one with parameters that other rights go with. */
type Needed = Method | readonly [Method, unknown];
type Element = HTMLButtonElement | HTMLInputElement | HTMLSelectElement;
const watching = new WeakMap<Element, WatchHandle>();
const titles = new WeakMap<Element, string>();

export const needs: ObjectDirective<Element, Needed> = {
  mounted(element, binding) {
    watching.set(
      element,
      watchEffect(() => {
        apply(element, binding);
      }),
    );
  },
  /** What a component set anew for a reason of its own stays, unless the role forbids it anyway. */
  updated(element, binding) {
    apply(element, binding);
  },
  unmounted(element) {
    watching.get(element)?.stop();
  },
};

function apply(element: Element, { value }: DirectiveBinding<Needed>): void {
  const [method, params] = typeof value === 'string' ? [value, undefined] : value;
  const reason = useRights().why(method, params);
  if (reason !== '') {
    if (!titles.has(element)) titles.set(element, element.title);
    element.disabled = true;
    element.title = reason;
    return;
  }
  const title = titles.get(element);
  if (title === undefined) return;
  titles.delete(element);
  element.disabled = false;
  element.title = title;
}
