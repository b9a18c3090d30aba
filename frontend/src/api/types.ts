import type { components } from './schema'

type Schemas = components['schemas']

export type AdminBooking = Schemas['AdminBooking']
export type AdminSpot = Schemas['AdminSpot']
export type AdminTask = Schemas['AdminTask']
export type AdminUser = Schemas['AdminUser']
export type AuditEntry = Schemas['AuditEntry']
export type Booking = Schemas['Booking']
export type HourLoad = Schemas['HourLoad']
export type Lot = Schemas['Lot']
export type LotChange = Schemas['LotChange']
export type LotMonth = Schemas['LotMonth']
export type NewLot = Schemas['NewLot']
export type OperatorReport = Schemas['OperatorReport']
export type Preferences = Schemas['Preferences']
export type PreferencesChange = Schemas['PreferencesChange']
export type Profile = Schemas['Profile']
export type Quote = Schemas['Quote']
export type Report = Schemas['Report']
export type ScheduleStatus = Schemas['ScheduleStatus']
export type SentMail = Schemas['SentMail']
export type Session = Schemas['Session']
export type SessionUser = Schemas['SessionUser']
export type Setup = Schemas['Setup']
export type Spend = Schemas['Spend']
export type Spot = Schemas['Spot']
export type SpotStatus = Schemas['SpotStatus']
export type Tariff = Schemas['Tariff']
export type Task = Schemas['Task']
export type TaskId = Schemas['TaskId']
export type TaskStatus = Schemas['TaskStatus']
export type Totals = Schemas['Totals']

export interface Page<T> {
  items: T[]
  next_cursor?: string | null
}
