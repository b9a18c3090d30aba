// Runs before the first paint, so a dark page never flashes white. A file, because the CSP allows no inline script.
;(function () {
  var chosen = null
  try {
    chosen = localStorage.getItem('parking:theme')
  } catch (error) {
    void error
  }
  var dark =
    chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle('dark', dark)
  var colour = document.querySelector('meta[name="theme-color"]')
  if (colour && dark) colour.setAttribute('content', '#11161f')
})()
