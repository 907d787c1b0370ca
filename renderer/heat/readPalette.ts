// The heat map's colours out of the theme's tokens, as numbers.
import type { HeatPalette, Rgb } from './heatColors.ts';

export interface HeatInk {
  readonly palette: HeatPalette;
  /** Of lines and texts over the map, as CSS writes them. */
  readonly ground: string;
  readonly box: string;
  readonly text: string;
  readonly cursor: string;
  readonly selection: string;
  readonly critical: string;
}
const rampStops = 9;

export function readInk(element: Element): HeatInk {
  const style = getComputedStyle(element);
  const context = document.createElement('canvas').getContext('2d');
  /** A canvas knows every way of writing a colour, system colours too. */
  const css = (token: string): string => {
    if (!context) return '';
    context.fillStyle = style.getPropertyValue(`--${token}`).trim();
    return context.fillStyle;
  };
  const rgb = (token: string): Rgb => {
    const text = css(token);
    const part = (at: number) => Number.parseInt(text.slice(at, at + 2), 16) || 0;
    return [part(1), part(3), part(5)];
  };
  return {
    palette: {
      quiet: [rgb('heat-0'), rgb('heat-1')],
      warn: [rgb('heat-warn0'), rgb('heat-warn1')],
      crit: rgb('heat-crit'),
      ramp: Array.from({ length: rampStops }, (_, at) => rgb(`cividis-${at}`)),
      ground: rgb('bg-inset'),
      dim: rgb('heat-dim'),
    },
    ground: css('bg-inset'),
    box: css('text-3'),
    text: css('text-3'),
    cursor: css('focus'),
    selection: css('accent'),
    critical: css('heat-crit'),
  };
}
