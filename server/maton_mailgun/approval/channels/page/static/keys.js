// Single keys: J and K go through what waits, A approves what is open, R rejects it. A key alone approves nothing that was
// typed for another window: it counts only in a tab that the person is at work in.

let atWork = false;

/** Whether something was done in this tab by hand since it came before the person. */
export const handsOn = () => atWork;

const away = () => { atWork = false; };
const here = (event) => { if (event.isTrusted) atWork = true; };

for (const moved of ["blur", "focus", "pageshow"]) addEventListener(moved, away);
document.addEventListener("visibilitychange", away);
for (const done of ["pointerdown", "wheel", "touchstart"]) addEventListener(done, here, { passive: true, capture: true });

/** Call `acts.j()` and so on when their keys are pressed outside of every field. */
export function listen(acts) {
  addEventListener("keydown", (event) => {
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (["Tab", "Shift", "Escape", "Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"].includes(event.key)) return;
    const busy = event.target.closest?.("input, textarea, select, dialog") || document.querySelector("dialog[open]");
    const plain = event.isTrusted && !event.repeat && !event.isComposing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const act = acts[name];
    if (busy) return;
    // Whoever types words is not at work here, whatever letters they have.
    if (!plain || !act) return away();
    event.preventDefault();
    const was = atWork;
    atWork = true;
    act(was);
  });
}
