// The pages of an operator, in the order of the navigation.
import {
  ChartNoAxesCombined,
  FileChartColumn,
  House,
  LayoutGrid,
  ListChecks,
  Mail,
  ScrollText,
  SlidersHorizontal,
  Ticket,
  Users,
} from '@lucide/vue'
import type { Component } from 'vue'

export interface OperatorPage {
  /** Of its route. */
  route: string
  icon: Component
  /** The key of its name. */
  label: string
  /** Routes of pages that lie within it. */
  within: readonly string[]
}

const page = (name: string, icon: Component, ...within: string[]): OperatorPage => ({
  route: `admin-${name}`,
  icon,
  label: `nav.${name}`,
  within: within.map((inner) => `admin-${inner}`),
})

export const OPERATOR_PAGES: readonly OperatorPage[] = [
  page('overview', House),
  page('lots', LayoutGrid, 'lot', 'lots-import'),
  page('bookings', Ticket),
  page('insight', ChartNoAxesCombined),
  page('users', Users),
  page('reports', FileChartColumn, 'report'),
  page('mails', Mail, 'mail'),
  page('tasks', ListChecks),
  page('audit', ScrollText),
  page('settings', SlidersHorizontal),
]
