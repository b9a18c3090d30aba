// Runs before the first paint. A file, because the CSP allows no inline script.
;(function () {
  // So that a dark page never flashes white.
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
  // The lots that the first page begins with: asked for beside the scripts, not after them.
  if (location.pathname === '/' && location.search === '') {
    window.firstLots = fetch('/api/lots?limit=20')
      .then(function (answer) {
        return answer.ok ? answer.json() : null
      })
      .catch(function () {
        return null
      })
  }
  // The files of this page (build/early-pages.ts), likewise.
  var also = document.querySelector('meta[name="with:' + CSS.escape(location.pathname) + '"]')
  if (also) {
    also.content.split(' ').forEach(function (path) {
      var link = document.createElement('link')
      link.rel = 'modulepreload'
      link.href = path
      document.head.appendChild(link)
    })
  }
  // The first use of Intl reads its tables for tens of milliseconds: done while the network is waited for.
  setTimeout(function () {
    new Intl.NumberFormat()
  })
})()
