import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { session } from './features/auth/session'
import FindPage from './features/lots/FindPage.vue'
import { i18n } from './i18n'
import { loadAnew } from './pwa/updates'
import { toast } from './ui/toasts'

declare module 'vue-router' {
  interface RouteMeta {
    /** Who may enter; everyone when absent. */
    auth?: 'user' | 'admin'
    /** `own` is the layout of the person who looks. */
    layout?: 'driver' | 'operator' | 'own'
    /** Only for people who are signed out. */
    guest?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'find', component: FindPage },
  { path: '/lots/:id', name: 'lot', component: () => import('./features/lots/LotPage.vue') },
  {
    path: '/parking',
    name: 'parking',
    component: () => import('./features/bookings/ParkingPage.vue'),
    meta: { auth: 'user' },
  },
  {
    path: '/history',
    name: 'history',
    component: () => import('./features/bookings/HistoryPage.vue'),
    meta: { auth: 'user' },
  },
  {
    path: '/history/:id',
    name: 'receipt',
    component: () => import('./features/bookings/ReceiptPage.vue'),
    meta: { auth: 'user', layout: 'own' },
  },
  {
    path: '/exports/:id',
    name: 'export',
    component: () => import('./features/exports/ExportPage.vue'),
    meta: { auth: 'user', layout: 'own' },
  },
  {
    path: '/reports',
    name: 'reports',
    component: () => import('./features/reports/ReportsPage.vue'),
    meta: { auth: 'user' },
  },
  {
    path: '/reports/:month',
    name: 'report',
    component: () => import('./features/reports/ReportPage.vue'),
    meta: { auth: 'user' },
  },
  {
    path: '/account',
    name: 'account',
    component: () => import('./features/users/AccountPage.vue'),
    meta: { auth: 'user', layout: 'own' },
  },
  {
    path: '/sign-in',
    name: 'sign-in',
    component: () => import('./features/auth/SignInPage.vue'),
    meta: { guest: true },
  },
  {
    path: '/register',
    name: 'register',
    component: () => import('./features/auth/RegisterPage.vue'),
    meta: { guest: true },
  },
  {
    path: '/forgot-password',
    name: 'forgot-password',
    component: () => import('./features/auth/ForgotPasswordPage.vue'),
  },
  {
    path: '/reset-password',
    name: 'reset-password',
    component: () => import('./features/auth/ResetPasswordPage.vue'),
  },
  {
    path: '/unsubscribe',
    name: 'unsubscribe',
    component: () => import('./features/mail/UnsubscribePage.vue'),
  },
  { path: '/claim', name: 'claim', component: () => import('./features/auth/ClaimPage.vue') },
  {
    path: '/admin',
    name: 'admin-overview',
    component: () => import('./features/stats/OverviewPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/lots',
    name: 'admin-lots',
    component: () => import('./features/lots/AdminLotsPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/lots/import',
    name: 'admin-lots-import',
    component: () => import('./features/imports/LotImportPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/lots/:id',
    name: 'admin-lot',
    component: () => import('./features/lots/AdminLotPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/bookings',
    name: 'admin-bookings',
    component: () => import('./features/bookings/AdminBookingsPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/insight',
    name: 'admin-insight',
    component: () => import('./features/stats/InsightPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/users',
    name: 'admin-users',
    component: () => import('./features/users/AdminUsersPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/reports',
    name: 'admin-reports',
    component: () => import('./features/reports/AdminReportsPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/reports/:month',
    name: 'admin-report',
    component: () => import('./features/reports/AdminReportPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/mails',
    name: 'admin-mails',
    component: () => import('./features/mail/MailsPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/mails/:id',
    name: 'admin-mail',
    component: () => import('./features/mail/MailPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/tasks',
    name: 'admin-tasks',
    component: () => import('./features/tasks/TasksPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/audit',
    name: 'admin-audit',
    component: () => import('./features/audit/AuditPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/admin/settings',
    name: 'admin-settings',
    component: () => import('./features/settings/SettingsPage.vue'),
    meta: { auth: 'admin', layout: 'operator' },
  },
  {
    path: '/:pathMatch(.*)*',
    name: 'not-found',
    component: () => import('./layouts/NotFoundPage.vue'),
  },
]

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior(to, from, saved) {
    // A filter in the address or a dialog keeps the place.
    return to.path === from.path ? undefined : (saved ?? { top: 0 })
  },
})

/** Where to go after signing in: a path of ours, never another site. */
export function safeNext(value: unknown): string | null {
  return typeof value === 'string' && /^\/(?![/\\])/.test(value) ? value : null
}

export function homeOf(role: 'user' | 'admin' | undefined): string {
  return role === 'admin' ? '/admin' : '/'
}

router.beforeEach(async (to) => {
  if (!to.meta.auth && !to.meta.guest) return true
  await session.ready
  const user = session.user.value
  if (to.meta.guest) return user ? (safeNext(to.query.next) ?? homeOf(user.role)) : true
  if (!user) return { name: 'sign-in', query: { next: to.fullPath } }
  if (to.meta.auth === 'admin' && user.role !== 'admin') {
    return { name: 'not-found', params: { pathMatch: to.path.slice(1).split('/') }, replace: true }
  }
  return true
})

// After an update of the server the old chunks are gone: load the page anew, once. Without a network it was never here.
router.onError(async (error, to) => {
  const missing = /dynamically imported module|Importing a module|error loading|preload CSS/i.test(
    String(error),
  )
  if (!missing || to.fullPath === sessionStorage.getItem('parking:reloaded')) return
  sessionStorage.setItem('parking:reloaded', to.fullPath)
  if (await loadAnew(to.fullPath)) return
  sessionStorage.removeItem('parking:reloaded')
  toast(i18n.global.t('install.needs_network'), 'error')
  // There is nothing to stay on: the first page is always here.
  if (router.currentRoute.value.matched.length === 0) await router.replace({ name: 'find' })
})
