// The charts, drawn by uPlot (uplot/LICENSE): history from the API, then a point a second.

const kCharts = [
  {title: "Requests", unit: (v) => rate(v) + "/s", series: [
    {key: "requests_per_second", name: "requests", colour: "--line-1", fill: true},
    {key: "connections_per_second", name: "connections", colour: "--line-2", dash: [6, 3]},
    {key: "errors_per_second", name: "5xx", colour: "--line-bad", dash: [2, 2]}]},
  {title: "Latency", unit: duration, series: [
    {key: "p50_seconds", name: "p50", colour: "--line-1"},
    {key: "p99_seconds", name: "p99", colour: "--line-2", dash: [6, 3]},
    {key: "handoff_p99_seconds", name: "hand-off p99", colour: "--line-3", dash: [2, 2]}]},
  {title: "Connections open", unit: count, whole: true, series: [
    {key: "connections", name: "open", colour: "--line-1", fill: true}]},
];
const kKeys = kCharts.flatMap((chart) => chart.series.map((series) => series.key));
const kChartHeight = 150;
const kShortest = 60;  // seconds that are shown however young the instance is
const kWindows = {fine: 300, coarse: 3600};
const kWholeSteps = [1, 2, 5].flatMap((step) => [0, 1, 2, 3, 4, 5].map((power) => step * 10 ** power)).sort((a, b) => a - b);

const colour_of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart {
  constructor(place, chart) {
    this.chart = chart;
    this.latest = chart.series.map((series) => {
      const value = element("b", {}, kNone);
      const swatch = element("i", {class: series.dash ? "swatch dashed" : "swatch", "aria-hidden": "true"});
      swatch.style.borderTopColor = "var(" + series.colour + ")";
      return {value, node: element("span", {}, swatch, series.name + " ", value)};
    });
    this.plot_place = element("div", {class: "plot", role: "img"});
    place.append(element("figure", {}, element("figcaption", {}, element("strong", {}, chart.title),
      ...this.latest.map((item) => item.node)), this.plot_place));
    this.data = [[], ...chart.series.map(() => [])];
    new ResizeObserver(() => this.resize()).observe(this.plot_place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw_anew());
  }

  width() {
    return Math.max(160, this.plot_place.clientWidth);
  }

  resize() {
    if (this.plot && this.plot.width !== this.width()) this.plot.setSize({width: this.width(), height: kChartHeight});
  }

  draw_anew() {
    if (this.plot) this.plot.destroy();
    const axis = {stroke: colour_of("--faint"), grid: {stroke: colour_of("--rule"), width: 1}, ticks: {show: false},
      font: "11px system-ui, sans-serif", gap: 4};
    this.plot = new uPlot({
      width: this.width(),
      height: kChartHeight,
      padding: [10, 26, 0, 0],
      legend: {show: false},
      cursor: {y: false, drag: {x: false, y: false}},
      scales: {x: {range: (plot, first, last) => this.range_of(first, last)}, y: {range: (plot, low, high) => [0, high > 0 ? high * 1.1 : 1]}},
      axes: [
        {...axis, size: 24, space: 70, values: (plot, ticks) => ticks.map((at) => clock(at).slice(0, 8))},
        {...axis, size: 58, space: 32, incrs: this.chart.whole ? kWholeSteps : undefined, values: (plot, ticks) => ticks.map((value) => this.chart.unit(value))},
      ],
      series: [{}, ...this.chart.series.map((series) => ({
        stroke: colour_of(series.colour), width: 1.5, dash: series.dash, spanGaps: false,
        points: {show: (plot, at) => this.is_alone(at)},
        fill: series.fill ? colour_of(series.colour) + "22" : undefined}))],
      hooks: {setCursor: [(plot) => this.show_values(plot.cursor.idx)]},
    }, this.data, this.plot_place);
  }

  range_of(first, last) {
    const end = isTold(last) ? last : Date.now() / 1000;
    const begin = Math.min(isTold(first) ? first : end, end - kShortest);
    return [Math.max(end - this.window, begin), end];
  }

  // A value between two gaps would be no line: then the points are drawn.
  is_alone(at) {
    const values = this.data[at];
    return values.some((value, i) => isTold(value) && !isTold(values[i - 1]) && !isTold(values[i + 1]));
  }

  // Those under the pointer, else the newest.
  show_values(index) {
    const at = isTold(index) ? index : this.data[0].length - 1;
    this.latest.forEach((item, i) => {
      const value = this.data[i + 1][at];
      set_text(item.value, isTold(value) ? this.chart.unit(value) : kNone);
    });
  }

  update(ring, window) {
    this.window = window;
    this.data = [ring.at, ...this.chart.series.map((series) => ring[series.key])];
    if (!this.plot) this.draw_anew();
    else this.plot.setData(this.data);
    const over = this.plot.cursor.idx;
    this.show_values(over);
    const told = this.latest.map((item, i) => this.chart.series[i].name + " " + item.value.textContent);
    this.plot_place.setAttribute("aria-label", this.chart.title + ", now: " + told.join(", "));
  }
}

class Charts {
  constructor(place) {
    this.charts = kCharts.map((chart) => new Chart(place, chart));
    this.range = "fine";
    this.rings = {fine: null, coarse: null};
  }

  set_history(history) {
    this.rings = history;
    this.show();
  }

  // The oldest goes.
  add(sample) {
    const ring = this.rings.fine;
    if (!ring || !sample || sample.at <= ring.at[ring.at.length - 1]) return;
    ring.at.push(sample.at);
    for (const key of kKeys) ring[key].push(sample[key]);
    while (ring.at.length > 300) {
      ring.at.shift();
      for (const key of kKeys) ring[key].shift();
    }
    if (this.range === "fine") this.show();
  }

  choose(range) {
    this.range = range;
    this.show();
  }

  show() {
    const ring = this.rings[this.range];
    if (ring) for (const chart of this.charts) chart.update(ring, kWindows[this.range]);
  }
}
