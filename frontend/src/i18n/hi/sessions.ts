import type { sessions as english } from '../en/sessions'

export const sessions: typeof english = {
  sessions: {
    title: 'आप कहाँ-कहाँ साइन इन हैं',
    device: '{system} पर {browser}',
    unknown: 'अज्ञात डिवाइस',
    here: 'यह डिवाइस',
    used: 'पिछला उपयोग: {ago}',
    since: '{date} को साइन इन किया',
    end: 'साइन आउट करें',
    end_of: 'साइन आउट करें: {device}, पिछला उपयोग: {ago}',
    ended: '{device} से साइन आउट हो गया है।',
    end_others: 'बाकी सब जगह से साइन आउट करें',
    end_others_title: 'बाकी सब जगह से साइन आउट करें?',
    end_others_text:
      'अब आप किसी और डिवाइस पर साइन इन नहीं हैं। | {n} और डिवाइस से आप तुरंत साइन आउट हो जाएँगे। इस पर साइन इन रहेंगे। | {n} और डिवाइसों से आप तुरंत साइन आउट हो जाएँगे। इस पर साइन इन रहेंगे।',
    others_ended: 'अब आप केवल यहाँ साइन इन हैं।',
    end_all: 'हर जगह से साइन आउट करें',
    end_all_title: 'हर जगह से साइन आउट करें?',
    end_all_text: 'आप अपने सभी डिवाइसों से तुरंत साइन आउट हो जाएँगे, इससे भी।',
    all_ended: 'आप हर जगह से साइन आउट हो गए हैं।',
  },
}
