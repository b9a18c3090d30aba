// Every visible word, in English: a file for each feature, and what all share.
import { audit } from './audit'
import { auth } from './auth'
import { bookings } from './bookings'
import { charts } from './charts'
import { common } from './common'
import { exports } from './exports'
import { imports } from './imports'
import { install } from './install'
import { lots } from './lots'
import { mail } from './mail'
import { map } from './map'
import { offline } from './offline'
import { problem } from './problem'
import { reports } from './reports'
import { sessions } from './sessions'
import { settings } from './settings'
import { stats } from './stats'
import { tasks } from './tasks'
import { users } from './users'
import { vehicles } from './vehicles'

export const en = {
  ...audit,
  ...auth,
  ...bookings,
  ...charts,
  ...common,
  ...exports,
  ...imports,
  ...install,
  ...lots,
  ...mail,
  ...map,
  ...offline,
  ...problem,
  ...reports,
  ...sessions,
  ...settings,
  ...stats,
  ...tasks,
  ...users,
  ...vehicles,
}

export type Messages = typeof en
