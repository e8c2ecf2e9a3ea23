// The page: five answers above, and what keeps everything up to date.

const by_id = (id) => document.getElementById(id);
const kStaleAfter = 5000;  // milliseconds without a snapshot
const kHistoryEvery = 60000;
const kPatience = 3000;
const kMeasuredFor = 60;  // seconds
const kMuchLag = 0.05;    // seconds that a connection waits for its worker

class Tile {
  constructor(place, question) {
    this.big = element("span", {});
    this.mark = element("span", {class: "mark", "aria-hidden": "true"});
    this.note = element("p", {class: "note"});
    this.node = element("div", {class: "tile"}, element("h3", {}, question),
      element("p", {class: "big"}, this.mark, this.big), this.note);
    place.append(this.node);
  }

  show(level, text, note) {
    this.node.dataset.level = level;
    this.mark.dataset.level = level;
    set_text(this.mark, kMarks[level]);
    set_text(this.big, text);
    set_text(this.note, note);
  }
}

class Tiles {
  constructor(place) {
    const questions = ["Is it up?", "Is it balanced?", "How full is it?", "Who is crashing?", "What is slow?"];
    [this.up, this.balanced, this.full, this.crashing, this.slow] = questions.map((text) => new Tile(place, text));
  }

  update(snapshot, events) {
    this.show_up(snapshot);
    this.show_balance(snapshot);
    this.show_fullness(snapshot);
    this.show_crashes(snapshot, events);
    this.show_slowness(snapshot);
  }

  show_up(snapshot) {
    const workers = all_workers(snapshot);
    const ready = workers.filter(({worker}) => worker.state === "ready").length;
    const empty = snapshot.pools.filter((pool) => pool.states.ready === 0).map((pool) => pool.name);
    const paused = snapshot.listeners.filter((listener) => listener.paused).map((listener) => listener.name);
    const ailing = snapshot.endpoints.filter((endpoint) => endpoint.state === "unhealthy" || endpoint.ejected_by).length;
    const notes = [ready + " of " + workers.length + " workers ready"];
    if (empty.length) notes.push("none in " + empty.join(", "));
    if (paused.length) notes.push(paused.join(", ") + " paused");
    if (ailing) notes.push(some(ailing, "endpoint is not well", "endpoints are not well"));
    const {expire, refused} = snapshot.certificates;
    notes.push(...expire);
    if (refused) notes.push(some(refused, "certificate is refused", "certificates are refused"));
    const troubled = ready < workers.length || paused.length || ailing || expire.length || refused;
    const level = !snapshot.ready ? "bad" : troubled ? "warn" : "good";
    this.up.show(level, snapshot.stopping ? "stopping" : snapshot.ready ? "ready" : "not ready", notes.join("; "));
  }

  show_balance(snapshot) {
    const told = snapshot.pools.filter((pool) => isTold(pool.fairness));
    if (!told.length) return this.balanced.show("off", kNone, "too few connections in the last minute to tell");
    const least = told.reduce((a, b) => (a.fairness <= b.fairness ? a : b));
    const level = least.fairness >= 0.95 ? "good" : least.fairness >= 0.8 ? "warn" : "bad";
    this.balanced.show(level, least.fairness.toFixed(3),
      "Jain's index of " + least.name + ", policy " + least.policy + "; 1 is even");
  }

  show_fullness(snapshot) {
    const shares = [
      ...snapshot.listeners.map((one) => [share_of(one.active, one.limit), "connections of listener " + one.name]),
      ...all_workers(snapshot).map(({pool, worker}) =>
        [share_of(worker.connections.active, worker.connections.limit), "connections of worker " + pool.name + "/" + worker.id]),
      [share_of(snapshot.container.memory_bytes, snapshot.container.memory_limit_bytes), "the container's memory"],
    ].filter(([share]) => isTold(share));
    if (!shares.length) return this.full.show("off", kNone, "no limit is told");
    const [share, what] = shares.reduce((a, b) => (a[0] >= b[0] ? a : b));
    const open = snapshot.sample ? snapshot.sample.connections : null;
    this.full.show(level_of_share(share), percent(share * 100), what + (isTold(open) ? "; " + count(open) + " open in all" : ""));
  }

  show_crashes(snapshot, events) {
    const losses = events.losses_since(Date.now() / 1000 - 3600);
    const down = all_workers(snapshot).filter(({worker}) => ["backoff", "quarantined", "failed"].includes(worker.state));
    const names = down.map(({pool, worker}) => pool.name + "/" + worker.id + " " + worker.state);
    if (!losses.length && !down.length) return this.crashing.show("good", "nobody", "in the last hour");
    const last = losses[losses.length - 1];
    const notes = ["in the last hour", ...names];
    if (last) notes.push("last " + last.subject + " at " + clock(last.at) + ": " + last.text);
    const fresh = last && last.at > Date.now() / 1000 - 300;
    this.crashing.show(down.length || fresh ? "bad" : "warn", some(losses.length, "loss", "losses"), notes.join("; "));
  }

  // What was measured before the page was there.
  recall({fine}) {
    fine.at.forEach((at, i) => this.note_measured(at, fine.p99_seconds[i], fine.handoff_p99_seconds[i]));
  }

  note_measured(at, p99, handoff) {
    const direct = !isTold(p99);
    const value = direct ? handoff : p99;
    if (isTold(value)) this.measured = {value, direct, at};
  }

  show_slowness(snapshot) {
    const sample = snapshot.sample || {};
    const routes = snapshot.routes.filter((route) => isTold(route.p99_seconds));
    const notes = [];
    if (routes.length) {
      const slowest = routes.reduce((a, b) => (a.p99_seconds >= b.p99_seconds ? a : b));
      notes.push("slowest route " + slowest.name + ", p99 " + duration(slowest.p99_seconds) + " since the start");
    }
    const stalled = all_workers(snapshot).filter(({worker}) => worker.stalled);
    if (stalled.length) notes.push(some(stalled.length, "worker is stalled", "workers are stalled"));
    this.note_measured(sample.at, sample.p99_seconds, sample.handoff_p99_seconds);
    const last = this.measured;
    if (!last || (sample.at || 0) - last.at > kMeasuredFor) return this.slow.show("off", kNone, "no requests in the last minute");
    const lag = isTold(sample.handoff_p99_seconds) && sample.handoff_p99_seconds > kMuchLag;
    const past = sample.at - last.at;
    notes.unshift("p99 " + (last.direct ? "of the wait for a worker" : "of requests") + (past > 1 ? ", " + age(past) + " ago" : ""));
    this.slow.show(stalled.length || lag ? "warn" : "good", duration(last.value), notes.join("; "));
  }
}

class Dashboard {
  constructor() {
    this.tiles = new Tiles(by_id("tiles"));
    this.charts = new Charts(by_id("charts"));
    this.workers = new WorkersView(by_id("pools"));
    this.views = [this.workers, new ListenersView(by_id("listeners")),
      new RoutesView(by_id("routes-section"), by_id("routes")), new EndpointsView(by_id("endpoints-section"), by_id("endpoints"))];
    this.events = new EventsView(by_id("events"));
    this.said = "";
    this.turn = 0;  // counts attempts to connect
    this.last_event = 0;
    for (const input of document.querySelectorAll("[name=range]"))
      input.addEventListener("change", () => this.choose(input.value));
    by_id("only-trouble").addEventListener("change", (change) =>
      by_id("events").classList.toggle("only-trouble", change.target.checked));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.pause() : this.connect()));
    setInterval(() => this.check_stale(), 1000);
    setInterval(() => document.hidden || this.fetch_history(), kHistoryEvery);
  }

  async json_of(path) {
    const response = await fetch(path, {cache: "no-store"});
    if (!response.ok) throw new Error(path + " " + response.status);
    return response.json();
  }

  choose(range) {
    this.charts.choose(range);
    this.fetch_history();
  }

  async fetch_history() {
    try {
      const history = await this.json_of("/api/v1/history");
      this.charts.set_history(history);
      this.workers.set_history(history);
      this.tiles.recall(history);
      if (this.snapshot) this.tiles.update(this.snapshot, this.events);
    } catch (error) {
      this.show_state("warn", "no history");
    }
  }

  async fetch_configuration() {
    try {
      const {text} = await this.json_of("/api/v1/configuration");
      set_text(by_id("configuration"), text);
      by_id("configuration-section").hidden = !text;
    } catch (error) {
      by_id("configuration-section").hidden = true;
    }
  }

  pause() {
    ++this.turn;
    if (this.source) this.source.close();
    this.source = null;
    clearTimeout(this.again);
  }

  // What was missed comes first. The browser comes again by itself after an end, but not after a refusal.
  async connect() {
    this.pause();
    const turn = this.turn;
    try {
      const {last, events} = await this.json_of("/api/v1/events?after=" + this.last_event);
      if (last < this.last_event) this.events.clear();
      if (turn !== this.turn) return;  // another has begun meanwhile
      events.forEach((event) => this.events.add(event));
      this.last_event = last;
    } catch (error) {
      if (turn !== this.turn) return;
      this.show_state("bad", "cannot be reached");
      this.again = setTimeout(() => this.connect(), kPatience);
      return;
    }
    this.source = new EventSource("/api/v1/stream?after=" + this.last_event);
    this.source.addEventListener("open", () => this.fetch_history());  // after a gap too
    this.source.addEventListener("snapshot", (message) => this.take(JSON.parse(message.data)));
    this.source.addEventListener("event", (message) => this.take_event(JSON.parse(message.data)));
    this.source.addEventListener("error", () => {
      if (!this.source || this.source.readyState !== EventSource.CLOSED) return;
      this.pause();
      this.again = setTimeout(() => this.connect(), kPatience);
    });
  }

  take_event(event) {
    if (!this.events.add(event)) return;
    this.last_event = event.sequence;
    if (event.level === "error") this.say(event.subject + ": " + event.text);
  }

  take(snapshot) {
    const began = snapshot.edge.started_at;
    const anew = this.snapshot && this.snapshot.edge.started_at !== began;
    const configured = !this.snapshot || this.snapshot.configuration.number !== snapshot.configuration.number;
    this.snapshot = snapshot;
    this.taken_at = Date.now();
    if (anew) {
      this.last_event = 0;
      this.events.clear();
      this.connect();
    }
    if (anew || configured) this.fetch_configuration();
    if (document.body.classList.contains("stale")) this.fetch_history();
    this.charts.add(snapshot.sample);
    this.tiles.update(snapshot, this.events);
    for (const view of this.views) view.update(snapshot);
    this.show_facts(snapshot);
    this.check_stale();
  }

  show_facts(snapshot) {
    const facts = {
      version: snapshot.version, up: age(snapshot.edge.uptime_seconds), "edge pid": snapshot.edge.pid,
      configuration: "no. " + snapshot.configuration.number + ", " +
        age(Date.now() / 1000 - snapshot.configuration.in_force_since) + " old"};
    if (snapshot.configuration_source) facts.file = snapshot.configuration_source;
    const place = by_id("facts");
    const text = JSON.stringify(facts);
    if (this.facts === text) return;
    this.facts = text;
    place.replaceChildren(...Object.entries(facts).map(([name, value]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))));
  }

  check_stale() {
    if (document.hidden) return;  // nothing was asked for
    const stale = !this.taken_at || Date.now() - this.taken_at > kStaleAfter;
    document.body.classList.toggle("stale", stale && Boolean(this.taken_at));
    if (stale) return this.taken_at && this.show_state("bad", "no word since " + clock(this.taken_at / 1000));
    const {ready, stopping} = this.snapshot;
    this.show_state(stopping ? "warn" : ready ? "good" : "bad", stopping ? "stopping" : ready ? "ready" : "not ready");
  }

  show_state(level, text) {
    const place = by_id("state");
    if (place.dataset.level === level && by_id("state-text").textContent === text) return;
    place.dataset.level = level;
    set_text(place.querySelector(".mark"), kMarks[level]);
    set_text(by_id("state-text"), text);
    document.title = (level === "good" ? "" : text + " – ") + "Roundhouse";
    this.say("Roundhouse is " + text);
  }

  // For screen readers: changes of state and errors, one sentence in three seconds.
  say(text) {
    this.said = text;
    if (this.saying) return;
    this.saying = setTimeout(() => {
      set_text(by_id("announcer"), this.said);
      this.saying = null;
    }, kPatience);
  }
}

new Dashboard().connect();
