export const offline = {
  offline: {
    here: 'You are offline.',
    unreached: 'The server cannot be reached.',
    last_known: 'What you see is what was last known.',
    waiting: '{n} release waits for the network. | {n} releases wait for the network.',
    as_of: 'As of {time}, offline',
    as_of_reconnecting: 'As of {time}. Reconnecting…',
    park_why: 'You are offline. Parking needs the network.',
    confirm_text:
      'You have been parked for {time}. You are offline: the time of this tap is kept, you pay {amount}, and it is sent when the network is back.',
    waits: 'Release at {time} waits for the network',
    waits_text: 'It is sent when the network is back and this is open. You may close it meanwhile.',
    you_pay: 'You pay',
    take_back: 'Take back, I am still parked',
    refused: 'The release at {time} was not accepted',
    refused_text:
      'It came too late, or the clock of this device is wrong. The clock has run on since.',
    release_now: 'Release now',
    keep_parking: 'Keep parking',
    sent: 'Spot {spot} was released at {time}. You pay {amount}.',
    outcome_refused: 'A release that waited was not accepted. You are still parked.',
    outcome_gone: 'A booking that waited for its release is not here any more.',
    receipt: 'Released without a network at {time}, sent at {sent}.',
    sign_out_title: 'Sign out with a release that waits?',
    sign_out_text:
      'It has not been sent yet. If you sign out, it is forgotten and the clock runs on.',
    sign_out_anyway: 'Sign out anyway',
  },
}
