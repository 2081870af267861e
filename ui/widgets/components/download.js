// A link that looks like a button: the browser itself stores what comes, and no new tab opens.
export default function (component) {
  const { parentElement, data } = component;
  const link = parentElement.querySelector("a");
  link.href = data.href;
  link.download = data.name;
  link.className = `button ${data.kind}`;
  link.querySelector("span").textContent = data.label;
}
