export const sessions = {
  sessions: {
    title: 'Where you are signed in',
    device: '{browser} on {system}',
    unknown: 'Unknown device',
    here: 'This device',
    used: 'Last used {ago}',
    since: 'Signed in {date}',
    end: 'Sign out',
    end_of: 'Sign out: {device}, last used {ago}',
    ended: '{device} is signed out.',
    end_others: 'Sign out everywhere else',
    end_others_title: 'Sign out everywhere else?',
    end_others_text:
      'No other device is signed in any more. | {n} other device is signed out at once. This one stays. | {n} other devices are signed out at once. This one stays.',
    others_ended: 'You are signed in only here now.',
    end_all: 'Sign out everywhere',
    end_all_title: 'Sign out everywhere?',
    end_all_text: 'All your devices are signed out at once, this one too.',
    all_ended: 'You are signed out everywhere.',
  },
}
