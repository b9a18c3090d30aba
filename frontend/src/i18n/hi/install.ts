import type { install as english } from '../en/install'

export const install: typeof english = {
  install: {
    title: 'पार्किंग इंस्टॉल करें',
    text: 'इसका अपना आइकन होता है, यह तुरंत खुलता है, और नेटवर्क के बिना भी आपकी पार्किंग दिखाता है।',
    button: 'इंस्टॉल करें',
    done: 'पार्किंग इंस्टॉल हो गया है।',
    ios: 'Safari में शेयर बटन पर टैप करें, फिर “होम स्क्रीन में जोड़ें” चुनें।',
    new_version: 'नया वर्शन आ गया है।',
    reload: 'फिर से लोड करें',
    later: 'बाद में',
    needs_network: 'यह पेज अभी आपके डिवाइस पर नहीं है। नेटवर्क लौटने पर यह खुल जाएगा।',
  },
}
