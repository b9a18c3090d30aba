import type { settings as english } from '../en/settings'

export const settings: typeof english = {
  settings: {
    lead: 'यह सर्वर इन सेटिंग से चलता है। वे उसके एनवायरनमेंट या उसकी .env फ़ाइल में बदली जाती हैं, और सर्वर फिर से चालू करने पर लागू होती हैं।',
    search: 'सेटिंग खोजें',
    placeholder: 'नाम, मान या मतलब',
    only_set: 'केवल जो तय हैं',
    setting: 'सेटिंग',
    value: 'मान',
    origin: 'कहाँ से',
    origins: {
      default: 'डिफ़ॉल्ट',
      environment: 'एनवायरनमेंट',
      file: '.env फ़ाइल',
    },
    secret: 'तय है, दिखाया नहीं जाता',
    unset: 'तय नहीं है',
    none_text: 'कोई सेटिंग नहीं मिली।',
    shown: 'कोई सेटिंग नहीं | {n} सेटिंग | {n} सेटिंग',
  },
}
