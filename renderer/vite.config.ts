// Builds the console into dist/renderer: relative paths, no inline script or style, messages compiled ahead of time.
import vueI18n from '@intlify/unplugin-vue-i18n/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

const folder = decodeURIComponent(new URL('.', import.meta.url).pathname).replace(/^\/(?=[A-Za-z]:)/, '');

export default defineConfig({
  root: folder,
  base: './',
  plugins: [
    vue(),
    // The policy forbids `eval`, so no message may be compiled in the window.
    vueI18n({ include: `${folder}i18n/*.json`, runtimeOnly: true, strictMessage: true }),
  ],
  build: {
    outDir: '../dist/renderer',
    emptyOutDir: true,
    target: 'chrome114',
    modulePreload: { polyfill: false },
    // Fonts and pictures stay files: `font-src 'self'` has no `data:`.
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
});
