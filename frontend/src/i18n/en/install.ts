export const install = {
  install: {
    title: 'Install Parking',
    text: 'It gets an icon of its own, opens at once, and shows your parking without a network.',
    button: 'Install',
    done: 'Parking is installed.',
    ios: 'In Safari, tap Share, then “Add to Home Screen”.',
    new_version: 'A new version is there.',
    reload: 'Reload',
    later: 'Later',
    needs_network: 'This page is not on your device yet. It opens when the network is back.',
  },
}
