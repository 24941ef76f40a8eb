// Whether it is dark around an element. JupyterLab and VS Code have themes of their own; elsewhere the browser knows.

const preferred = matchMedia("(prefers-color-scheme: dark)");
const THEMES = ["data-jp-theme-light", "data-vscode-theme-kind"];

export function isDark() {
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false";
  if (vscodeThemeKind) return !vscodeThemeKind.endsWith("light");
  return preferred.matches;
}

// Calls `changed` whenever that may be different; returns a function that ends this.
export function watchTheme(changed) {
  const observer = new MutationObserver(changed);
  observer.observe(document.body, { attributes: true, attributeFilter: THEMES });
  preferred.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    preferred.removeEventListener("change", changed);
  };
}

// Gives `host` the dark colours of instrument.css whenever it is dark around it; returns a function that ends this.
export function followTheme(host) {
  const follow = () => host.classList.toggle("instrument-dark", isDark());
  follow();
  return watchTheme(follow);
}
