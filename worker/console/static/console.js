// Keeps the page new: fetches it again every 15 seconds while somebody looks at it, and swaps <main>. Without this file the
// page works, and is as old as it says. Nothing is swapped while text is selected; what is open, the focus and the place
// on the page are kept.
const EVERY = 15_000;

async function renew() {
  if (document.hidden || !getSelection().isCollapsed) return;
  const told = document.getElementById("updated");
  const trouble = await fetch(location.pathname + location.search, { cache: "no-store" }).then(
    async (answer) => {
      if (answer.status === 401) return "this desk has a new key: open its printed address";
      if (!answer.ok) return "the record cannot be read at the moment";
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      swap(document.getElementById("main"), document.adoptNode(page.getElementById("main")));
      told.replaceWith(document.adoptNode(page.getElementById("updated")));
      return "";
    },
    () => "the console does not answer",
  );
  if (!trouble) return;
  told.classList.add("late");
  told.dataset.was ??= told.textContent;
  told.textContent = `Not renewed, ${trouble}; ${told.dataset.was}`;
}

function swap(old, fresh) {
  for (const open of old.querySelectorAll("details[open]")) fresh.querySelector(`#${open.id}`)?.setAttribute("open", "");
  const name = (one) => `${one.closest("[id]")?.id} ${one.href ?? one.tagName}`;
  const held = old.contains(document.activeElement) ? name(document.activeElement) : "";
  const seen = [...old.querySelectorAll("[id]")].filter((one) => one.getBoundingClientRect().top >= 0)[0];
  const top = scrollY > 0 && seen ? seen.getBoundingClientRect().top : null;
  old.replaceWith(fresh);
  if (held) [...fresh.querySelectorAll("a, summary")].find((one) => name(one) === held)?.focus({ preventScroll: true });
  const again = top === null ? null : document.getElementById(seen.id);
  if (again) scrollBy({ top: again.getBoundingClientRect().top - top, behavior: "instant" });
}

setInterval(renew, EVERY);
document.addEventListener("visibilitychange", renew);
