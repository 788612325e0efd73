import { defineConfig } from 'vite';
import { svelte } from '@sveltejs/vite-plugin-svelte';

// FOOTFALL is the server that "npm run dev" passes API calls on to.
const server = process.env.FOOTFALL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    manifest: 'manifest.json',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 300,
  },
  server: { proxy: { '/api': { target: server, ws: true }, '/js': server, '/v1': server } },
});
