// Before the first paint, so that a page of the other theme never flashes: what was chosen, if anything was.
try {
  const theme = localStorage.getItem("weft.theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* a browser that keeps nothing shows the theme of the system */ }
