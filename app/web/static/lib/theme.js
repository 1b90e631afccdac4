/** Light, dark, or as the system has it. A plain script, so that it is decided before anything is drawn. */
(() => {
  const chosen = localStorage.getItem("cruddur-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
