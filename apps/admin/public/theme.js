// Before the first paint: a chosen theme wins over the system's. Not a module, so that it runs at once;
// not inline, so that the content security policy needs no exception. The choice is made in src/theme.ts.
(() => {
  try {
    const theme = localStorage.getItem('theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is blocked: the system's theme it is.
  }
})();
