// Dark, light, or as the system has it; kept in this browser.

import { ref, watch } from "vue";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const key = "heartmesh-theme";

export const theme = ref<Theme>(kept());

watch(
  theme,
  (wanted) => {
    if (wanted === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = wanted;
  },
  { immediate: true },
);

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? "auto";
  try {
    localStorage.setItem(key, theme.value);
  } catch {
    // A browser that keeps nothing has the system's theme again next time.
  }
}

function kept(): Theme {
  try {
    const text = localStorage.getItem(key);
    return themes.find((one) => one === text) ?? "auto";
  } catch {
    return "auto";
  }
}
