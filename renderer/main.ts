// Starts the console: stores, languages, screens, and the frame around them.
import { createPinia } from 'pinia';
import { createApp } from 'vue';
import App from './App.vue';
import { needs } from './composables/needs.ts';
import { i18n } from './i18n/i18n.ts';
import './link/console.ts';
import { fetchOtherScreens, router } from './router.ts';
import './styles/tokens.css';
import './styles/fonts.css';
import './styles/base.css';

createApp(App).use(createPinia()).use(i18n).use(router).directive('needs', needs).mount('#app');
fetchOtherScreens();
