// Sets the theme before the first paint; src/lib/theme.ts changes it afterwards under the same key.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("mcp-obs-theme");
  } catch {
    // Storage can be forbidden; the system's theme is the answer then.
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.toggle("dark", dark);
})();
