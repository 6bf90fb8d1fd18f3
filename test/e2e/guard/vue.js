// A page with @authing/guard-vue3, as its README shows.
import { createGuard, useGuard } from '@authing/guard-vue3';
import '@authing/guard-vue3/dist/esm/guard.min.css';
import { createApp, h, onMounted } from 'vue';

createApp({
  setup() {
    const guard = useGuard();
    onMounted(() => globalThis.watchGuard(guard));
    return () => h('div', { id: 'guard' });
  },
}).use(createGuard(globalThis.guardOptions)).mount('#root');
