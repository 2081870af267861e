// A grid of images or texts, or of images with their texts; where they can be selected, a click or the space bar does it, and Shift selects all in between.
const text = (tag, content, className) => {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
};

// What is read out: the name, and the text below the image unless it is part of the name.
const told = ({ name, caption, detail, mark }) =>
  [name, ...[caption, detail, mark].filter((said) => said && !name.endsWith(said))].join(", ");

// The beginning of a text, or null where the server has none.
const textAt = async (address) => {
  const response = await fetch(address);
  return response.status === 200 ? response.text() : null;
};

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  const grid = parentElement.querySelector(".grid");
  grid.tell = (chosen) => setStateValue("chosen", chosen); // of this run: that of an earlier one may be dead
  grid.style.setProperty("--pixels", `${data.pixels}px`);
  const drawn = JSON.stringify(data);
  if (grid.drawn === drawn) return;
  // Addresses are signed again at every run of the page; an item that is the same stays as it is.
  const same = JSON.stringify([data.choose, data.items.map(({ src, instead, words, ...rest }) => rest)]);
  if (grid.same === same) return;
  grid.drawn = drawn;
  grid.same = same;
  const before = grid.chosen || new Set();
  const chosen = new Set(data.items.map((p) => p.identity).filter((one) => before.has(one)));
  grid.chosen = chosen;
  let last = 0;

  const toggle = (index, all) => {
    const wanted = !chosen.has(data.items[index].identity);
    const from = all ? Math.min(last, index) : index;
    const to = all ? Math.max(last, index) : index;
    for (let i = from; i <= to; i++) {
      const { identity } = data.items[i];
      if (wanted) chosen.add(identity);
      else chosen.delete(identity);
      grid.children[i].setAttribute("aria-checked", String(wanted));
    }
    last = index;
    grid.tell([...chosen]);
  };

  // The server answers without content where a file cannot be read.
  const imageOf = (item) => {
    const image = document.createElement("img");
    image.loading = "lazy";
    image.alt = item.name;
    const instead = [...item.instead];
    image.onerror = () => {
      if (instead.length) image.src = instead.shift();
      else image.replaceWith(text("div", "cannot be shown", "missing"));
    };
    image.onload = () => image.classList.toggle("small", image.naturalWidth < 64);
    image.src = item.src;
    return image;
  };
  const quoteOf = (item, figure) => {
    const quote = text("blockquote", "…");
    const fill = async () => {
      for (const address of item.words ? [item.words] : [item.src, ...item.instead]) {
        const found = await textAt(address).catch(() => null);
        if (found === null) continue;
        quote.textContent = found || "(empty)";
        if (data.choose) figure.setAttribute("aria-label", `${told(item)}: ${found}`);
        return;
      }
      quote.replaceWith(text("div", "cannot be shown", "missing"));
    };
    fill();
    return quote;
  };

  grid.classList.toggle("texts", data.items.some((item) => item.text || item.words));
  grid.classList.toggle("both", data.items.some((item) => item.words));
  grid.setAttribute("role", data.choose ? "group" : "list");
  grid.setAttribute("aria-label", data.choose ? "Items to select" : "Items");

  grid.replaceChildren(
    ...data.items.map((item, index) => {
      const figure = document.createElement("figure");
      if (!item.text) figure.append(imageOf(item));
      if (item.text || item.words) figure.append(quoteOf(item, figure));
      if (item.mark) figure.append(text("span", item.mark, "mark"));
      const caption = document.createElement("figcaption");
      if (item.caption) caption.append(text("span", item.caption));
      if (item.detail) caption.append(text("span", item.detail, "detail"));
      if (caption.childNodes.length) figure.append(caption);
      figure.title = item.name;
      if (data.choose) {
        figure.tabIndex = 0;
        figure.setAttribute("role", "checkbox");
        figure.setAttribute("aria-label", told(item));
        figure.setAttribute("aria-checked", String(chosen.has(item.identity)));
        figure.onclick = (event) => toggle(index, event.shiftKey);
        figure.onkeydown = (event) => {
          if (event.key !== " " && event.key !== "Enter") return;
          event.preventDefault();
          toggle(index, event.shiftKey);
        };
      } else {
        figure.setAttribute("role", "listitem");
      }
      return figure;
    }),
  );
}
