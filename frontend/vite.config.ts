import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'
import { earlyPages } from './build/early-pages.ts'
import { firstFonts } from './build/first-fonts.ts'
import { firstPage } from './build/first-page.ts'
import { serviceWorker } from './build/service-worker.ts'
import { compiledWords } from './build/words.ts'

const root = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const server = process.env.PARKING_SERVER ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [
    vue(),
    tailwindcss(),
    compiledWords(),
    firstFonts(root('src/fonts')),
    earlyPages({ '/sign-in': 'src/features/auth/SignInPage.vue' }),
    serviceWorker({
      // Who is parked sees it, and leaves, without a network.
      also: [
        'src/features/bookings/ParkingPage.vue',
        'src/features/bookings/ParkedPill.vue',
        'src/features/bookings/ReceiptPage.vue',
      ],
      files: ['/early.js', '/favicon.svg', '/manifest.webmanifest'],
      wanted: (asset) => !asset.endsWith('.woff2') || asset.includes('-first-'),
    }),
  ],
  resolve: { alias: { '@': root('src') } },
  define: {
    __VUE_OPTIONS_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  build: {
    target: 'es2022',
    // Every browser we support preloads modules by itself.
    modulePreload: { polyfill: false },
    // The pages' policy takes fonts from the server only, not from the styles.
    assetsInlineLimit: (path) => (path.endsWith('.woff2') ? false : undefined),
    rolldownOptions: { output: { codeSplitting: firstPage(root('src/main.ts')) } },
  },
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
