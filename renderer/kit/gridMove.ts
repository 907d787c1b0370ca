// Where a key takes the cursor of a list.
interface Place {
  readonly cursor: number;
  readonly page: number;
  readonly last: number;
  readonly hasSingleKeys: boolean;
}

/** The row to move to, or undefined where the key does not move. */
export function gridMove(event: KeyboardEvent, place: Place): number | undefined {
  if (event.ctrlKey || event.altKey || event.metaKey || place.last < 0) return undefined;
  const wanted = target(event.key, place);
  return wanted === undefined ? undefined : Math.min(Math.max(0, wanted), place.last);
}

function target(key: string, { cursor, page, last, hasSingleKeys }: Place): number | undefined {
  switch (hasSingleKeys ? key : key.length === 1 ? '' : key) {
    case 'ArrowDown':
    case 'j':
      return cursor + 1;
    case 'ArrowUp':
    case 'k':
      return cursor - 1;
    case 'PageDown':
      return cursor + page;
    case 'PageUp':
      return cursor - page;
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return undefined;
  }
}
