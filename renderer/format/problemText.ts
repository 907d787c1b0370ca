// What is wrong with a field, as it stands at the field: without the path that a refusal puts before it.
import type { Refusal } from '../../scheduler/protocol/outcome.ts';

export function problemText({ message, field = '' }: Refusal): string {
  const plain = message.replace(/^.*?field \S+: /, '');
  const last = field.split('.').at(-1) ?? '';
  return last !== '' && plain.startsWith(`${last}: `) ? plain.slice(last.length + 2) : plain;
}
