/** Applies the chosen theme. A classic script, not a module, so that it runs before the first paint. */
(() => {
  const chosen = localStorage.getItem("cruddur-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
