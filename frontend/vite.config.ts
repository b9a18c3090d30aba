import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { serviceWorker } from './worker/plugin.ts'

const server = process.env.PARKING_SERVER ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    vue(),
    tailwindcss(),
    serviceWorker({
      // Who is parked sees it, and leaves, without a network.
      also: [
        'src/features/bookings/ParkingPage.vue',
        'src/features/bookings/ParkedPill.vue',
        'src/features/bookings/ReceiptPage.vue',
      ],
      files: ['/theme.js', '/favicon.svg', '/manifest.webmanifest'],
      wanted: (asset) => !asset.endsWith('.woff2') || asset.includes('inter-latin-wght'),
    }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  // The preload helper is a script of its own; every browser we support preloads modules by itself.
  build: { target: 'es2022', modulePreload: { polyfill: false } },
  server: {
    port: 5173,
    proxy: { '/api': server, '/health': server },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'worker/**/*.test.ts'],
    setupFiles: 'src/test-setup.ts',
    restoreMocks: true,
  },
})
