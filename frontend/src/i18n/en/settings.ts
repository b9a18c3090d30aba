export const settings = {
  settings: {
    lead: 'With what this server runs. Settings are changed in its environment or its file .env, and count after a restart.',
    search: 'Search settings',
    placeholder: 'Name, value or meaning',
    only_set: 'Only what is set',
    setting: 'Setting',
    value: 'Value',
    origin: 'From',
    origins: {
      default: 'Default',
      environment: 'Environment',
      file: '.env file',
    },
    secret: 'Set, not shown',
    unset: 'Not set',
    none_text: 'No setting matches.',
    shown: 'No settings | {n} setting | {n} settings',
  },
}
