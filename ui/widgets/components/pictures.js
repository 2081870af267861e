// A grid of pictures; where they can be chosen, a click or the space bar does, and Shift chooses all between.
const text = (tag, content, className) => {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
};

// What is read out: the name, and whatever is said below the picture that is not part of it.
const told = ({ name, caption, detail, mark }) =>
  [name, ...[caption, detail, mark].filter((said) => said && !name.endsWith(said))].join(", ");

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  const grid = parentElement.querySelector(".grid");
  grid.tell = (chosen) => setStateValue("chosen", chosen); // of this run: what an earlier one was given may be dead
  grid.style.setProperty("--pixels", `${data.pixels}px`);
  const drawn = JSON.stringify(data);
  if (grid.drawn === drawn) return;
  // Addresses are signed anew at every run of the page; what is the same picture stays as it is.
  const same = JSON.stringify([data.choose, data.pictures.map(({ src, instead, ...rest }) => rest)]);
  if (grid.same === same) return;
  grid.drawn = drawn;
  grid.same = same;
  const before = grid.chosen || new Set();
  const chosen = new Set(data.pictures.map((p) => p.identity).filter((one) => before.has(one)));
  grid.chosen = chosen;
  let last = 0;

  const toggle = (index, all) => {
    const wanted = !chosen.has(data.pictures[index].identity);
    const from = all ? Math.min(last, index) : index;
    const to = all ? Math.max(last, index) : index;
    for (let i = from; i <= to; i++) {
      const { identity } = data.pictures[i];
      if (wanted) chosen.add(identity);
      else chosen.delete(identity);
      grid.children[i].setAttribute("aria-checked", String(wanted));
    }
    last = index;
    grid.tell([...chosen]);
  };

  grid.setAttribute("role", data.choose ? "group" : "list");
  grid.setAttribute("aria-label", data.choose ? "Pictures to choose from" : "Pictures");

  grid.replaceChildren(
    ...data.pictures.map((picture, index) => {
      const figure = document.createElement("figure");
      const image = document.createElement("img");
      image.loading = "lazy";
      image.alt = picture.name;
      // The server answers without a picture where a file cannot be read.
      const instead = [...picture.instead];
      image.onerror = () => {
        if (instead.length) image.src = instead.shift();
        else image.replaceWith(text("div", "cannot be shown", "missing"));
      };
      image.onload = () => image.classList.toggle("small", image.naturalWidth < 64);
      image.src = picture.src;
      figure.append(image);
      if (picture.mark) figure.append(text("span", picture.mark, "mark"));
      const caption = document.createElement("figcaption");
      if (picture.caption) caption.append(text("span", picture.caption));
      if (picture.detail) caption.append(text("span", picture.detail, "detail"));
      if (caption.childNodes.length) figure.append(caption);
      figure.title = picture.name;
      if (data.choose) {
        figure.tabIndex = 0;
        figure.setAttribute("role", "checkbox");
        figure.setAttribute("aria-label", told(picture));
        figure.setAttribute("aria-checked", String(chosen.has(picture.identity)));
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
