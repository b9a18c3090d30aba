export const stats = {
  figures: {
    hour: 'Hour',
    parked_average: 'Parked on average',
    parked: '{n} parked',
    started: '{bookings} started',
  },
}
