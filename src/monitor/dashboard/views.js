// What the sections show of a snapshot: GET /api/v1/stream, docs/api.md.

const kStates = {
  starting: "wait", ready: "good", draining: "wait", gone: "off", backoff: "warn", quarantined: "bad", failed: "bad",
  "in use": "good", "not ready": "wait", unhealthy: "bad", leaving: "off",
};
const kCpuKept = 300;

const all_workers = (snapshot) => snapshot.pools.flatMap((pool) => pool.workers.map((worker) => ({pool, worker})));
const share_of = (part, whole) => isTold(part) && whole > 0 ? part / whole : null;

// How fast a total grows, from two looks at it.
class Speeds {
  constructor() {
    this.before = new Map();
  }

  of(key, total, at) {
    const last = this.before.get(key);
    this.before.set(key, {total, at});
    return last && at > last.at && isTold(total) && total >= last.total ? (total - last.total) / (at - last.at) : null;
  }
}

function exit_cell(worker, now) {
  const exit = worker.exits[0];
  if (!exit) return {text: "none", level: "off"};
  const flight = exit.requests_in_flight;
  const notes = [age(now - exit.at) + " ago"];
  if (flight) notes.push(some(flight, "request", "requests") + " in flight");
  if (exit.in_flight && exit.in_flight.length) notes.push(exit.in_flight.slice(0, 2).join(", "));
  return {text: reason_of(exit), level: is_loss(exit) ? "bad" : "off", note: notes.join(" · "),
    title: "pid " + exit.pid + ", lived " + age(exit.lived_seconds) + ", " + bytes(exit.max_resident_memory_bytes) + " at most"};
}

class WorkersView {
  constructor(place) {
    this.place = place;
    this.tables = new Map();
    this.cpu = new Map();  // of each worker, the last minutes
  }

  set_history(history) {
    for (const [name, series] of Object.entries(history.fine.workers)) this.cpu.set(name, series.cpu_percent);
  }

  table_of(pool) {
    if (!this.tables.has(pool.name)) {
      this.tables.set(pool.name, new Table(this.place, pool.name, [
        {name: "Worker"}, {name: "State", size: "medium"}, {name: "Up", numeric: true, size: "short"}, {name: "Connections", numeric: true},
        {name: "Requests/s", numeric: true}, {name: "In flight", numeric: true, size: "short"},
        {name: "CPU, 5 min", numeric: true, title: "100 % is one CPU"}, {name: "Memory", numeric: true},
        {name: "Restarts", numeric: true, title: "of which crashes"}, {name: "Last exit", size: "wide"}]));
    }
    return this.tables.get(pool.name);
  }

  cpu_cell(name, worker) {
    const values = this.cpu.get(name) || [];
    values.push(worker.cpu_percent);
    while (values.length > kCpuKept) values.shift();
    this.cpu.set(name, values);
    return {text: percent(worker.cpu_percent), line: values.slice(-kCpuKept).map((value) => (value || 0) / 100)};
  }

  row_of(pool, worker, now) {
    const name = pool.name + "/" + worker.id;
    const {active, limit} = worker.connections;
    const wait = isTold(worker.next_start_in_seconds) ? "starts in " + Math.ceil(worker.next_start_in_seconds) + " s" : "";
    const older = worker.older.length ? some(worker.older.length, "older drains", "older drain") : "";
    const state = worker.stalled ? "stalled" : worker.state;
    const level = worker.stalled ? "warn" : kStates[worker.state] || "off";
    return {key: name, level: level === "bad" || level === "warn" ? level : "", cells: [
      {text: String(worker.id), note: isTold(worker.pid) ? "pid " + worker.pid : ""},
      {text: state, level, note: wait || older},
      age(worker.uptime_seconds),
      {text: isTold(limit) ? count(active) + " / " + count(limit) : count(active), bar: share_of(active, limit)},
      rate(worker.requests.per_second),
      count(worker.requests.in_flight),
      this.cpu_cell(name, worker),
      bytes(worker.resident_memory_bytes),
      {text: count(worker.restarts), note: worker.crashes ? some(worker.crashes, "crash", "crashes") : ""},
      exit_cell(worker, now)]};
  }

  update(snapshot) {
    const names = new Set(snapshot.pools.map((pool) => pool.name));
    for (const [name, table] of this.tables) {
      if (names.has(name)) continue;
      table.node.remove();
      this.tables.delete(name);
    }
    const now = Date.now() / 1000;
    for (const pool of snapshot.pools) {
      const table = this.table_of(pool);
      const ready = pool.workers.filter((worker) => worker.state === "ready").length;
      const about = [pool.name, pool.type, "policy " + pool.policy, ready + " of " + pool.workers.length + " ready"];
      if (isTold(pool.fairness)) about.push("fairness " + pool.fairness.toFixed(3));
      table.set_caption(about);
      table.update(pool.workers.map((worker) => this.row_of(pool, worker, now)));
    }
  }
}

class ListenersView {
  constructor(place) {
    this.table = new Table(place, "Where clients connect", [
      {name: "Listener"}, {name: "Addresses", size: "wide"}, {name: "Pool"}, {name: "State", size: "medium"}, {name: "Open", numeric: true},
      {name: "New/s", numeric: true}, {name: "Accepted", numeric: true}, {name: "Refused requests", numeric: true}]);
    this.speeds = new Speeds();
  }

  update(snapshot) {
    this.table.update(snapshot.listeners.map((listener) => ({
      key: listener.name,
      level: listener.paused ? "warn" : "",
      cells: [listener.name, listener.addresses, listener.pool,
        listener.paused ? {text: "paused: " + listener.paused.replaceAll("_", " "), level: "warn"} : {text: "accepts", level: "good"},
        {text: count(listener.active) + " / " + count(listener.limit), bar: share_of(listener.active, listener.limit)},
        rate(this.speeds.of(listener.name, listener.accepted, snapshot.edge.uptime_seconds)),
        count(listener.accepted), count(listener.request_failures)]})));
  }
}

class RoutesView {
  constructor(section, place) {
    this.section = section;
    this.table = new Table(place, "Since the start", [
      {name: "Route", size: "wide"}, {name: "Requests/s", numeric: true}, {name: "Requests", numeric: true},
      {name: "5xx", numeric: true}, {name: "p50", numeric: true}, {name: "p99", numeric: true}]);
    this.speeds = new Speeds();
  }

  update(snapshot) {
    this.section.hidden = snapshot.routes.length === 0;
    const asked = snapshot.routes.filter((route) => route.name !== "none" || route.requests.total);
    this.table.update(asked.map((route) => ({
      key: route.name,
      cells: [route.name === "none" ? {text: "none", note: "no route matched"} : route.name,
        rate(this.speeds.of(route.name, route.requests.total, snapshot.edge.uptime_seconds)), count(route.requests.total),
        {text: count(route.requests.failed), level: route.requests.failed ? "warn" : undefined},
        duration(route.p50_seconds), duration(route.p99_seconds)]})));
  }
}

class EndpointsView {
  constructor(section, place) {
    this.section = section;
    this.place = place;
    this.tables = new Map();
    this.speeds = new Speeds();
  }

  row_of(endpoint, at) {
    const level = endpoint.ejected_by ? "warn" : kStates[endpoint.state] || "off";
    return {key: endpoint.name, level: level === "bad" || level === "warn" ? level : "", cells: [
      endpoint.name,
      {text: endpoint.ejected_by ? "ejected by " + endpoint.ejected_by : endpoint.state, level,
        note: endpoint.ejections ? some(endpoint.ejections, "ejection", "ejections") : ""},
      rate(this.speeds.of(endpoint.upstream + "/" + endpoint.name, endpoint.requests.total, at)),
      count(endpoint.requests.in_flight), count(endpoint.connections.active), count(endpoint.requests.total),
      {text: count(endpoint.requests.failed), level: endpoint.requests.failed ? "warn" : undefined,
        note: endpoint.requests.retried ? count(endpoint.requests.retried) + " retried" : ""},
      duration(endpoint.p50_seconds), duration(endpoint.p99_seconds)]};
  }

  update(snapshot) {
    const upstreams = Map.groupBy
      ? Map.groupBy(snapshot.endpoints, (endpoint) => endpoint.upstream)
      : snapshot.endpoints.reduce((map, one) => map.set(one.upstream, [...(map.get(one.upstream) || []), one]), new Map());
    this.section.hidden = upstreams.size === 0;
    for (const [name, table] of this.tables) {
      if (upstreams.has(name)) continue;
      table.node.remove();
      this.tables.delete(name);
    }
    for (const [name, endpoints] of upstreams) {
      if (!this.tables.has(name))
        this.tables.set(name, new Table(this.place, name, [
          {name: "Endpoint", size: "wide"}, {name: "State", size: "medium"}, {name: "Requests/s", numeric: true}, {name: "In flight", numeric: true},
          {name: "Connections", numeric: true}, {name: "Requests", numeric: true}, {name: "Failed", numeric: true},
          {name: "p50", numeric: true}, {name: "p99", numeric: true}]));
      const well = endpoints.filter((endpoint) => endpoint.state === "in use" && !endpoint.ejected_by).length;
      this.tables.get(name).set_caption([name, well + " of " + endpoints.length + " in use"]);
      this.tables.get(name).update(endpoints.map((endpoint) => this.row_of(endpoint, snapshot.edge.uptime_seconds)));
    }
  }
}

class EventsView {
  constructor(list) {
    this.list = list;
    this.events = [];
  }

  clear() {
    this.events = [];
    this.list.replaceChildren();
  }

  // The newest is the first of the list.
  add(event) {
    const last = this.events[this.events.length - 1];
    if (last && event.sequence <= last.sequence) return false;
    this.events.push(event);
    const level = {info: "off", warn: "warn", error: "bad"}[event.level];
    const about = element("span", {class: "text"}, event.text);
    if (event.detail) about.append(element("small", {}, event.detail));
    const item = element("li", {"data-level": event.level},
      element("time", {datetime: new Date(event.at * 1000).toISOString()}, clock(event.at)),
      element("span", {class: "mark", "data-level": level, "aria-hidden": "true"}, kMarks[level]),
      element("span", {class: "kind"}, event.kind.replaceAll("_", " ")),
      element("span", {class: "subject"}, event.subject), about);
    this.list.prepend(item);
    while (this.events.length > 1000) {
      this.events.shift();
      this.list.lastElementChild.remove();
    }
    return true;
  }

  losses_since(at) {
    return this.events.filter((event) => event.kind === "worker_exited" && event.level === "error" && event.at >= at);
  }
}
