// A place to drop folders on. The server gets a list of the files, answers which it wants, and gets the bytes: many small
// files in one request, large ones in pieces. Nothing is read into memory here; the browser sends from the disk.
const BATCH_BYTES = 4 << 20;
const BATCH_FILES = 150;
const PIECE_BYTES = 8 << 20;
const AT_ONCE = 4;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 8000];
const count = (n, word) => `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
const megabytes = (n) => (n >= 1e9 ? `${(n / 1e9).toFixed(1)} GB` : `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB`);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const seconds = (s) => (s < 60 ? `${Math.max(1, Math.ceil(s))} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`);

class ServerError extends Error {}

// What lies in dropped entries: [path, File] of each file, folders within folders included.
async function walk(entries, tick) {
  const found = [];
  let unreadable = 0;
  const visit = async (entry) => {
    try {
      if (entry.isFile) {
        const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
        found.push([entry.fullPath.replace(/^\//, ""), file]);
        tick(found.length);
        return;
      }
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
        if (!some.length) return; // at most 100 come at once
        await Promise.all(some.filter((inner) => inner.isFile).map(visit));
        for (const inner of some) if (inner.isDirectory) await visit(inner);
      }
    } catch {
      unreadable++;
    }
  };
  for (const entry of entries) await visit(entry);
  return { found, unreadable };
}

async function errorOf(response) {
  let said = {};
  try {
    said = await response.json();
  } catch {
    // not one of our own answers
  }
  const error = new ServerError(said.message || response.statusText);
  error.status = response.status;
  error.there = said.there;
  return error;
}

class Upload {
  constructor(zone, found, unreadable) {
    this.zone = zone;
    this.files = found.sort(([a], [b]) => (a < b ? -1 : 1));
    this.unreadable = unreadable;
    this.stopped = new AbortController();
  }

  // Asks until there is an answer: a connection may break, and a restarted app gives a new address with its page.
  async ask(path, options) {
    for (let attempt = 0; ; attempt++) {
      let problem;
      try {
        const response = await fetch(this.zone.data.address + path, { ...options, signal: this.stopped.signal });
        if (response.ok) {
          this.zone.trouble("");
          return await response.json();
        }
        const error = await errorOf(response);
        if (response.status !== 403 && (response.status < 500 || response.status === 507)) throw error;
        problem = error.message;
      } catch (error) {
        if (error instanceof ServerError || error.name === "AbortError") throw error;
        problem = "The connection to the app is lost.";
      }
      if (attempt >= PAUSES_MS.length) throw new ServerError(problem);
      this.zone.trouble(`${problem} Trying again …`);
      await pause(PAUSES_MS[attempt]);
      if (this.stopped.signal.aborted) throw new DOMException("cancelled", "AbortError");
    }
  }

  async run() {
    const list = this.files.map(([path, file]) => [path, file.size, file.lastModified]);
    const plan = await this.ask("", { method: "POST", body: JSON.stringify({ files: list }) });
    this.title = plan.title;
    this.nFiles = plan.wanted.length;
    this.nBytes = plan.wanted.reduce((sum, [, size]) => sum + size, 0);
    this.there = this.doneBytes = plan.wanted.reduce((sum, [, , there]) => sum + there, 0);
    this.doneFiles = plan.wanted.filter(([, size, there]) => there === size).length;
    this.started = performance.now();
    this.id = plan.id;
    this.skipped = this.notSent(plan);
    this.draw();
    const tasks = this.tasks(plan.wanted.filter(([, size, there]) => there < size));
    const worker = async () => {
      for (let task = tasks.shift(); task; task = tasks.shift()) await task();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return (await this.ask(`/${this.id}`, { method: "POST" })).data;
  }

  tasks(wanted) {
    const tasks = [];
    let batch = [];
    let size = 0;
    const close = () => {
      const files = batch;
      if (files.length) tasks.push(() => this.send(files));
      batch = [];
      size = 0;
    };
    for (const [number, bytes, there] of wanted) {
      if (bytes > PIECE_BYTES) {
        tasks.push(() => this.sendPieces(number, bytes, there));
        continue;
      }
      if (size + bytes > BATCH_BYTES || batch.length >= BATCH_FILES) close();
      batch.push(number);
      size += bytes;
    }
    close();
    return tasks;
  }

  async send(numbers) {
    const body = new Blob(numbers.map((number) => this.files[number][1]));
    await this.put(`/${this.id}?files=${numbers.join(",")}`, body, numbers);
    this.doneFiles += numbers.length;
    this.doneBytes += body.size;
    this.draw();
  }

  async sendPieces(number, bytes, there) {
    const file = this.files[number][1];
    let offset = there;
    for (let waited = 0; offset < bytes; ) {
      const piece = file.slice(offset, offset + PIECE_BYTES);
      let arrived = offset + piece.size;
      try {
        await this.put(`/${this.id}?files=${number}&offset=${offset}`, piece, [number]);
      } catch (error) {
        // Of a piece whose connection broke, a part has arrived, or is still being written down.
        if (!(error.there >= offset) || waited >= PAUSES_MS.length) throw error;
        arrived = error.there;
      }
      if (arrived === offset) await pause(PAUSES_MS[waited++]);
      else waited = 0;
      this.doneBytes += arrived - offset;
      offset = arrived;
      this.draw();
    }
    this.doneFiles++;
  }

  async put(path, body, numbers) {
    try {
      return await this.ask(path, { method: "PUT", body });
    } catch (error) {
      if (!(error instanceof ServerError) || error.status) throw error;
      // A file that was changed or taken away meanwhile looks like a lost connection.
      for (const number of numbers) {
        const [name, file] = this.files[number];
        try {
          await file.slice(0, 1).arrayBuffer();
        } catch {
          throw new ServerError(`${name} can no longer be read: it was changed or moved. Drop the folder again.`);
        }
      }
      throw error;
    }
  }

  notSent(plan) {
    const kinds = Object.entries(plan.skipped).sort(([, a], [, b]) => b - a);
    const parts = kinds.map(([kind, n]) => `${n.toLocaleString("en")} ${kind}`);
    if (this.unreadable) parts.push(`${this.unreadable} unreadable`);
    const lines = parts.length ? [`Skipped: ${parts.join(", ")}.`] : [];
    if (plan.n_renamed) lines.push(`${count(plan.n_renamed, "name")} changed, so that every system can hold them.`);
    for (const [name, reason] of plan.refused.slice(0, 5)) lines.push(`Not taken: ${name} ${reason}.`);
    if (plan.n_refused > 5) lines.push(`And ${(plan.n_refused - 5).toLocaleString("en")} more skipped.`);
    return lines;
  }

  draw() {
    const passed = (performance.now() - this.started) / 1000;
    const rate = (this.doneBytes - this.there) / Math.max(passed, 0.001);
    const left = passed > 1 && rate ? `, about ${seconds((this.nBytes - this.doneBytes) / rate)} left` : "";
    this.zone.progress(
      `Uploading ${this.title}`,
      this.nBytes ? this.doneBytes / this.nBytes : 1,
      `${this.doneFiles.toLocaleString("en")} of ${count(this.nFiles, "file")}, ` +
        `${megabytes(this.doneBytes)} of ${megabytes(this.nBytes)}${this.doneBytes < this.nBytes ? left : ""}`,
    );
    this.zone.say(this.skipped);
  }
}

// One for the whole page: the app may draw its place again, or another page instead, while an upload goes on.
class Zone {
  constructor() {
    this.lines = [];
    let depth = 0;
    const over = (change) => {
      depth = Math.max(0, depth + change);
      this.box.classList.toggle("over", depth > 0 && !this.upload);
    };
    // Of the whole page: what is dropped beside the zone is meant for it, and the browser would open it instead.
    const events = {
      dragenter: () => over(1),
      dragleave: () => over(-1),
      dragover: () => {},
      drop: (event) => {
        over(-depth);
        // Entries are gone once this handler has ended; they have to be asked for now.
        const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
        if (entries.length) this.take(() => walk(entries, (n) => this.progress(`Found ${count(n, "file")} …`, 0, "")));
        else this.say(["Drop files or a folder from your file manager."], true);
      },
    };
    const listener = (event) => {
      // Not where the zone is out of sight; and a text may be dragged into a field.
      if (!this.box.isConnected || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      events[event.type](event);
    };
    for (const kind of Object.keys(events)) window.addEventListener(kind, listener);
    this.leaving = (event) => event.preventDefault();
  }

  // Take a place on the page, and show there how far things are.
  attach(box) {
    this.box = box;
    this.part = (name) => box.querySelector(`.${name}`);
    const take = (files) => this.take(async () => ({ found: files, unreadable: 0 }));
    for (const kind of ["folder", "files"]) {
      const input = this.part(`pick-${kind}`);
      this.part(kind).onclick = () => input.click();
      input.onchange = () => {
        const files = [...input.files].map((file) => [file.webkitRelativePath || file.name, file]);
        input.value = ""; // so that the same folder can be selected again
        if (files.length) take(files);
        else this.say(["There was no file in it."], true);
      };
    }
    this.part("cancel").onclick = () => this.cancel();
    this.part("again").onclick = () => this.upload && this.go(this.upload);
    this.show(Boolean(this.upload));
    if (this.upload) this.progress(...this.last);
    this.offerAgain(this.stuck);
    this.spoken = "";
    this.say(this.lines, this.bad);
  }

  // Tell the app of a finished upload, now or once its page is there.
  tell(name = this.arrived) {
    this.arrived = name;
    if (!name || !this.box.isConnected) return;
    this.arrived = "";
    this.settled(name);
  }

  async take(collect) {
    if (this.upload) return;
    this.upload = { stopped: new AbortController() };
    this.say([]);
    this.show(true);
    this.progress("Looking at what there is …", 0, "");
    const mine = this.upload;
    const { found, unreadable } = await collect();
    if (this.upload !== mine) return; // cancelled meanwhile
    await this.go(new Upload(this, found, unreadable));
  }

  async go(upload) {
    this.upload = upload;
    this.offerAgain(false);
    this.show(true);
    window.addEventListener("beforeunload", this.leaving);
    try {
      const name = await upload.run();
      this.end([`${count(upload.nFiles, "file")} arrived.`, ...upload.skipped]);
      this.tell(name);
    } catch (error) {
      if (this.upload !== upload) return;
      upload.stopped.abort();
      if (!upload.id) {
        this.end([error instanceof ServerError ? error.message : `It cannot be uploaded: ${error.message}`], true);
        return;
      }
      // What has arrived stays; the same files continue from there.
      upload.stopped = new AbortController();
      this.trouble("");
      this.say([error instanceof ServerError ? error.message : `The upload was interrupted: ${error.message}`], true);
      this.offerAgain(true);
    } finally {
      window.removeEventListener("beforeunload", this.leaving);
    }
  }

  cancel() {
    const { upload } = this;
    this.end(upload?.id ? ["Cancelled. What has arrived is kept: drop the same folder again to continue."] : []);
    upload?.stopped.abort();
    if (upload?.id) this.cancelled();
  }

  end(lines, bad = false) {
    this.upload = null;
    this.offerAgain(false);
    this.show(false);
    this.say(lines, bad);
  }

  show(busy) {
    this.part("idle").hidden = busy;
    this.part("busy").hidden = !busy;
  }

  offerAgain(stuck) {
    this.stuck = stuck;
    this.part("again").hidden = !stuck;
  }

  progress(doing, share, numbers) {
    this.last = [doing, share, numbers];
    this.part("doing").textContent = doing;
    this.numbers = numbers;
    this.part("numbers").textContent = this.troubled || numbers;
    const percent = Math.floor(100 * share);
    this.part("bar").setAttribute("aria-valuenow", String(percent));
    this.part("bar").firstElementChild.style.width = `${percent}%`;
  }

  trouble(text) {
    this.troubled = text;
    this.part("numbers").textContent = text || this.numbers || "";
  }

  say(lines, bad = false) {
    this.lines = lines;
    this.bad = bad;
    const said = this.part("said");
    const text = lines.join("\n");
    if (this.spoken === text) return; // a screen reader would repeat it
    this.spoken = text;
    said.classList.toggle("bad", bad);
    const list = document.createElement("ul");
    list.append(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        return item;
      }),
    );
    said.replaceChildren(...(lines.length ? [list] : []));
  }
}

let zone;

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const box = parentElement.querySelector(".zone");
  zone ||= new Zone();
  zone.data = data;
  zone.settled = (name) => setTriggerValue("settled", name);
  zone.cancelled = () => setTriggerValue("cancelled", true);
  if (zone.box !== box) zone.attach(box);
  zone.part("lead").textContent = data.lead;
  zone.part("hint").textContent = data.hint;
  zone.tell();
}
