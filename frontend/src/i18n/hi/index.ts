// Every visible word, in Hindi: loaded when somebody reads Hindi, together with its font.
//
// One word for each concept of the field, the same as in the mails (src/mail/letters.rs, src/reports/pages.rs):
//   lot पार्किंग स्थल · spot जगह (free खाली, occupied भरी, out of service बंद) · booking, stay बुकिंग · length of a stay अवधि
//   vehicle गाड़ी · plate गाड़ी नंबर · walk-in वॉक-इन · driver ड्राइवर · operator संचालक · administrator एडमिन
//   to park पार्क करना · to leave or release a spot जगह छोड़ना; by the operator खाली करना
//   price per hour प्रति घंटा दर · tariff शुल्क नियम · to charge शुल्क लेना · cap अधिकतम · cost, spend खर्च · revenue आय
//   occupancy भराव · turnover प्रति जगह बुकिंग · receipt रसीद · report रिपोर्ट · reminder रिमाइंडर · export एक्सपोर्ट
//   account खाता · mail मेल · task कार्य · schedule शेड्यूल · reference संदर्भ
//   map नक्शा · device डिवाइस · setting सेटिंग · default डिफ़ॉल्ट · import इंपोर्ट · line of a file पंक्ति · column कॉलम
// The reader is आप, asked with -एँ and -ें (करें, लिखें). ज़ and फ़ have their dot, ख and क do not. Sentences end in a danda.
import { audit } from './audit'
import { auth } from './auth'
import { bookings } from './bookings'
import { charts } from './charts'
import { common } from './common'
import { exports } from './exports'
import './font.css'
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
import type { Messages } from '../en'

export const hi: Messages = {
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
