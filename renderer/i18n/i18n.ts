// Two languages, both complete, switched without a restart. Messages are compiled when the console is built.
import { createI18n } from 'vue-i18n';
import en from './en.json';
import zhCN from './zh-CN.json';

export const languages = ['en', 'zh-CN'] as const;
export type Language = (typeof languages)[number];

export const i18n = createI18n<[typeof en], Language, false>({
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- goes with vue-i18n 12; until then it must be said
  legacy: false,
  locale: 'en',
  fallbackLocale: 'en',
  messages: { en, 'zh-CN': zhCN },
});

/** `t` as functions outside of components take it. */
export type Translate = (key: string, named?: Record<string, unknown>) => string;
/** Of messages whose words follow a number. */
export type TranslateCount = (key: string, named: Record<string, unknown>, count?: number) => string;
