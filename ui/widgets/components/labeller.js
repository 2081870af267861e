// One item after another and a key for each class. The browser leads: it answers at once and reports every
// keystroke; what the server has kept it says back by number, and only that is dropped from the report.
const N_PRELOADED = 12;
const MOST_NUMBERED = 9;
const LONG_TEXT = 600; // letters; shorter ones are shown in larger letters

const SCROLLED = { ArrowDown: 0.15, ArrowUp: -0.15, PageDown: 0.9, PageUp: -0.9 }; // shares of its height

const make = (tag, className, ...content) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
};
const kept = ({ src, words: address, shown, image, article, broken }) => ({ src, words: address, shown, image, article, broken });
const words = (name) => name.toLowerCase().split(/[^\p{L}\p{N}]+/u);

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  const root = parentElement.querySelector(".labeller");
  const desk = root.desk || (root.desk = newDesk(root));
  desk.report = (value) => setStateValue("report", value);
  desk.update(data);
  return () => desk.leave();
}

function newDesk(root) {
  const $ = (selector) => root.querySelector(selector);
  const desk = { tasks: new Map(), said: new Map(), actions: [], waiting: [], news: "" };
  const log = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
  let n = 0;
  let listening = false;

  desk.update = (data) => {
    if (data.queue !== desk.queue) {
      Object.assign(desk, {
        queue: data.queue, position: data.position, tasks: new Map(), said: new Map(), undoable: [], waiting: [],
        news: "", filter: "",
      });
      $(".filter").value = "";
      if (!isEditable(document.activeElement)) root.focus({ preventScroll: true });
    }
    desk.data = data;
    data.tasks.forEach((task, i) => {
      const known = desk.tasks.get(data.first + i);
      // Addresses are signed again every time; an item that is loaded already stays.
      desk.tasks.set(data.first + i, known ? { ...task, ...kept(known) } : task);
    });
    const lastSaved = data.kept[log] || 0;
    desk.actions = desk.actions.filter((action) => action.n > lastSaved);
    // A class that was merged into another leaves its key free, so that those of the others stay.
    desk.classes = data.classes.filter(Boolean);
    desk.many = data.classes.length > MOST_NUMBERED;
    if (!listening) {
      window.addEventListener("keydown", onKey, true);
      window.addEventListener("click", onClick, true);
      window.addEventListener("beforeunload", onUnload);
      listening = true;
    }
    draw();
  };

  desk.leave = () => {
    window.removeEventListener("keydown", onKey, true);
    window.removeEventListener("click", onClick, true);
    window.removeEventListener("beforeunload", onUnload);
    listening = false;
  };

  // --- what can be done

  const act = (kind, more) => {
    desk.news = "";
    const action = { n: ++n, kind, index: desk.position, ...more };
    desk.actions.push(action);
    return action;
  };
  const send = () => {
    // A copy: what is reported must not change behind the page's back.
    desk.report({ log, queue: desk.queue, position: desk.position, actions: desk.actions.map((a) => ({ ...a })) });
    draw();
  };
  const clearFilter = () => {
    desk.filter = "";
    $(".filter").value = "";
    if (root.getRootNode().activeElement === $(".filter")) root.focus({ preventScroll: true });
  };
  const isDrawn = (image) => Boolean(image?.complete && image.naturalWidth);
  const isShown = (task) =>
    Boolean(task?.text || task?.words ? task.shown?.isLoaded && (task.text || isDrawn(task.image)) : isDrawn(task?.shown));
  // Keys come faster than items: what is said of one that is not there yet is said once it is, in the order of the keys.
  const inTurn = (action) => {
    clearFilter();
    desk.waiting.push(action);
    catchUp();
    draw();
  };
  const catchUp = () => {
    while (desk.waiting.length && (isShown(current()) || desk.position >= desk.data.total)) desk.waiting.shift()();
  };
  const say = (kind, label) => inTurn(() => sayNow(kind, label));
  const sayNow = (kind, label) => {
    if (!current()) return;
    const { n: number, index } = act(kind, { label });
    desk.undoable.push({ n: number, index, before: desk.said.get(index) });
    desk.said.set(index, { kind, label });
    desk.news = kind === "label" ? `${label}` : "Excluded";
    clearFilter();
    desk.position += 1;
    send();
  };
  const skip = () => (desk.waiting.length ? inTurn(skipNow) : skipNow());
  const skipNow = () => {
    if (desk.position >= desk.data.total) return;
    clearFilter();
    desk.news = "";
    desk.position += 1;
    send();
  };
  const back = () => (desk.waiting.length ? inTurn(backNow) : backNow());
  const backNow = () => {
    let to = desk.position - 1;
    while (to > 0 && desk.tasks.get(to)?.broken) to -= 1;
    if (to < 0 || !desk.tasks.has(to) || desk.tasks.get(to).broken) return;
    desk.news = "";
    desk.position = to;
    send();
  };
  const undo = () => (desk.waiting.length ? inTurn(undoNow) : undoNow());
  const undoNow = () => {
    const last = desk.undoable.pop();
    if (!last) return;
    act("undo", { of: last.n });
    if (last.before) desk.said.set(last.index, last.before);
    else desk.said.delete(last.index);
    desk.position = last.index;
    desk.news = "Taken back";
    send();
  };

  // --- keys

  const current = () => desk.tasks.get(desk.position);
  const matches = () => {
    const typed = desk.filter.trim().toLowerCase();
    if (!typed) return desk.classes;
    const begins = (name) => name.toLowerCase().startsWith(typed);
    const inside = (name) => !begins(name) && words(name).some((word) => word.startsWith(typed));
    return [...desk.classes.filter(begins), ...desk.classes.filter(inside)];
  };
  // With many classes a letter is a shortcut only where no class begins with it.
  const isFree = (key) => !desk.many || (!desk.filter && !desk.classes.some((c) => words(c).some((w) => w.startsWith(key))));
  const isEditable = (element) =>
    Boolean(element?.closest?.("input:not([type='checkbox'], [type='radio']), textarea, select, [contenteditable='true']"));
  const isCovered = () => Boolean(document.querySelector("[role='dialog'], [role='listbox']"));

  const onKey = (event) => {
    const target = event.composedPath()[0];
    const mine = root.contains(target);
    const inFilter = target === $(".filter");
    // The button of a popover that is closed by this gets the focus back, and would take the next Space.
    if (event.key === "Escape" && isCovered()) takeKeysOnceFree();
    if (!root.isConnected || event.isComposing || (isEditable(target) && !inFilter)) return;
    if (!mine && isCovered()) return;
    const onButton = target instanceof Element && target.closest("button, a, input, [role='radio'], [role='checkbox'], [role='tab']");
    // Who came to a button with the Tab key presses it with these.
    if (onButton && !inFilter && ["Enter", " ", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    if (handled(event, inFilter)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  };
  // After a click of the mouse, wherever on the page, the keys work on.
  const onClick = (event) => {
    if (event.detail > 0 && !root.contains(event.composedPath()[0])) setTimeout(takeKeys);
  };
  // What covers the desk takes its time to go.
  const takeKeysOnceFree = (tries = 20) =>
    setTimeout(() => (isCovered() && tries ? takeKeysOnceFree(tries - 1) : takeKeys()), 50);
  const takeKeys = () => {
    if (root.isConnected && !isCovered() && !isEditable(document.activeElement)) root.focus({ preventScroll: true });
  };
  const scroll = (pages) => {
    const article = current()?.article;
    article?.scrollBy({ top: pages * article.clientHeight, behavior: "auto" });
  };
  const handled = (event, inFilter) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key !== "z" || event.shiftKey || desk.filter) return false;
      undo();
      return true;
    }
    if (event.altKey) return false;
    if (key === "ArrowLeft" && !desk.filter) return back(), true;
    if (key === "ArrowRight" && !desk.filter) return skip(), true;
    if (SCROLLED[key] && current()?.article) return scroll(SCROLLED[key]), true;
    if (event.repeat) return key.length === 1 && !inFilter; // a key held down is one answer
    if (key === "Escape" && desk.filter) return clearFilter(), draw(), true;
    if (key === " " && !desk.filter) return skip(), true;
    if (key === "Delete" && !desk.filter && desk.data.excludes) return say("exclude"), true;
    if ((key === "0" || key === "x") && isFree(key) && desk.data.excludes) return say("exclude"), true;
    if (key === "u" && isFree(key)) return undo(), true;
    if (desk.many) {
      if (key === "Enter" && desk.filter) {
        const [first] = matches();
        if (first) say("label", first);
        return true;
      }
      if (key.length === 1 && !inFilter && words(key)[0]) {
        $(".filter").focus({ preventScroll: true });
        $(".filter").value = desk.filter += event.key;
        pick();
        return true;
      }
      return false;
    }
    const label = /^[1-9]$/.test(key) && desk.data.classes[Number(key) - 1];
    if (label) say("label", label);
    return Boolean(label);
  };
  // A name typed in full that no other one goes on from needs no Enter.
  const pick = () => {
    const [only, ...others] = matches();
    if (only && !others.length && only.toLowerCase() === desk.filter.trim().toLowerCase()) say("label", only);
    else draw();
  };
  const onUnload = (event) => {
    if (desk.actions.length) event.preventDefault();
  };
  $(".filter").addEventListener("input", (event) => {
    desk.filter = event.target.value;
    pick();
  });

  // --- what is seen

  const load = (index) => {
    const task = desk.tasks.get(index);
    if (!task || task.shown) return;
    if (task.text) return loadText(index, task, task.src);
    const image = new Image();
    task.shown = image;
    if (task.words) {
      task.image = image;
      loadText(index, task, task.words);
      task.shown = make("div", "both", image, task.article);
    }
    image.alt = "The image to label";
    image.onload = () => {
      image.classList.toggle("small", image.naturalWidth < 100);
      catchUp();
    };
    image.onerror = () => {
      const known = desk.tasks.get(index);
      if (known?.shown === image || known?.image === image) breakOff(index, known);
    };
    image.src = task.src;
  };
  const breakOff = (index, task) => {
    task.broken = true;
    if (index === desk.position) pass();
  };
  const loadText = async (index, task, address) => {
    const article = make("article", "", "…");
    task.article = article;
    if (!task.words) task.shown = article;
    article.tabIndex = 0; // so that the keyboard scrolls it
    article.setAttribute("role", "document");
    article.setAttribute("aria-label", "The text to label");
    let found = null;
    try {
      const response = await fetch(address);
      if (response.status === 200) found = await response.text();
    } catch {
      // as one that cannot be read
    }
    const known = desk.tasks.get(index);
    if (known?.article !== article) return;
    if (found === null) return breakOff(index, known);
    article.textContent = found || "(empty)";
    task.shown.isLoaded = true;
    article.classList.toggle("long", found.length > LONG_TEXT);
    catchUp();
  };
  const pass = () => {
    const names = [];
    while (current()?.broken) {
      names.push(current().item || `number ${desk.position + 1}`);
      desk.position += 1;
    }
    if (!names.length) return;
    send();
    desk.news = `Skipped, it cannot be shown: ${names.join(", ")}`;
    draw();
    catchUp();
  };
  const button = (key, text, press, className) => {
    const element = make("button", className, make("kbd", "", key), make("span", "", text));
    element.type = "button";
    element.onclick = (event) => {
      press();
      // After a click of the mouse the keys work on, as if nothing had been focused.
      if (event.detail > 0) root.focus({ preventScroll: true });
    };
    return element;
  };
  const draw = () => {
    const { data, position } = desk;
    if (current()?.broken) return pass();
    for (let i = position; i < position + N_PRELOADED; i++) load(i);
    // Only items near the current one stay in memory.
    for (const index of desk.tasks.keys()) if (index < position - 2 * N_PRELOADED) desk.tasks.delete(index);
    const task = current();
    const over = position >= data.total;
    const done = Math.max(desk.said.size, data.labelled); // the browser leads, but forgets when the page is left
    const said = desk.said.get(position);
    $(".count").textContent = over ? `${data.total} of ${data.total}` : `${position + 1} of ${data.total}`;
    $("progress").value = data.total ? Math.min(position / data.total, 1) : 1;
    // The place in the queue is kept too: who leaves the page comes back to it.
    const saving = desk.actions.length + desk.waiting.length > 0 || (done > 0 && data.position !== position);
    $(".kept").textContent = data.problem ? "Not saved" : saving ? "Saving" : done ? "Saved" : "";
    $(".kept").classList.toggle("wrong", Boolean(data.problem));
    root.classList.toggle("many", desk.many);
    $(".filter").hidden = !desk.many;

    const left = data.total - done;
    const end = `That was all: ${done} labelled here${left > 0 ? `, ${left} left as they were` : ""}.`;
    const content = over ? make("p", "", end) : task ? task.shown : make("p", "", "Loading");
    if ($(".frame").firstChild !== content) $(".frame").replaceChildren(content);
    $("figcaption").textContent = $("figcaption").title = task?.item || "";
    const answer = said && (said.kind === "label" ? said.label : "excluded");
    const reason = !task ? "" : answer ? `you said: ${answer}` : task.reason;
    $(".reason").textContent = reason && reason[0].toUpperCase() + reason.slice(1);
    const hints = data.blind || !task ? [] : [["Label now", answer || task.given || "none"], ["Model", task.guess || "not asked"]];
    $(".hints").replaceChildren(...hints.flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]));

    const shown = matches();
    const buttons = shown.map((name, i) => {
      const key = desk.many ? (i === 0 && desk.filter ? "Enter" : "") : String(data.classes.indexOf(name) + 1);
      const element = button(key, name, () => say("label", name));
      element.classList.toggle("said", said?.kind === "label" && said.label === name);
      element.classList.toggle("first", desk.many && Boolean(desk.filter) && i === 0);
      if (!key) element.firstChild.remove();
      element.disabled = !task;
      return element;
    });
    const drawn = JSON.stringify([shown, desk.filter, Boolean(task), said, data.classes]);
    if (desk.drawn !== drawn) {
      desk.drawn = drawn;
      refill($(".classes"), buttons.length ? buttons : [make("p", "", desk.classes.length ? "No class begins with that." : "There is no class yet.")]);
    }
    const exclude = button(isFree("x") ? (isFree("0") ? "0 or x" : "x") : "Del", "Exclude", () => say("exclude"));
    exclude.disabled = !task;
    exclude.classList.toggle("said", said?.kind === "exclude");
    const skipper = button("Space", "Skip", skip);
    skipper.disabled = over;
    const undoer = button(isFree("u") ? "u" : "Ctrl Z", "Undo", undo);
    undoer.disabled = !desk.undoable.length;
    const backer = button("←", "Back", back);
    backer.disabled = position === 0;
    refill($(".actions"), data.excludes ? [exclude, skipper, undoer, backer] : [skipper, undoer, backer]);
    $(".news").textContent = data.problem || desk.news;
  };
  // A button that was reached with the Tab key keeps the focus when it is drawn again.
  const refill = (box, elements) => {
    const focused = [...box.children].indexOf(root.getRootNode().activeElement);
    box.replaceChildren(...elements);
    if (focused >= 0) elements[Math.min(focused, elements.length - 1)].focus({ preventScroll: true });
  };
  return desk;
}
