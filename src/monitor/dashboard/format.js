// How values are written. null and undefined are what cannot be told: a dash.
"use strict";

const kNone = "–";
const isTold = (value) => value !== null && value !== undefined;

function scaled(value, units, step) {
  let unit = 0;
  while (Math.abs(value) >= step && unit + 1 < units.length) {
    value /= step;
    ++unit;
  }
  const digits = unit === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return [value.toFixed(digits), units[unit]];
}

function count(value) {
  if (!isTold(value)) return kNone;
  if (value < 10000) return String(Math.round(value));
  return scaled(value, ["", "k", "M", "G", "T"], 1000).join("");
}

function rate(value) {
  if (!isTold(value)) return kNone;
  return value > 0 && value < 10 ? value.toFixed(1) : count(value);
}

function bytes(value) {
  if (!isTold(value)) return kNone;
  return scaled(value, ["B", "KiB", "MiB", "GiB", "TiB"], 1024).join(" ");
}

// Of a latency.
function duration(seconds) {
  if (!isTold(seconds)) return kNone;
  if (seconds < 0.001) return Math.round(seconds * 1e6) + " µs";
  if (seconds < 1) return (seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0) + " ms";
  return seconds.toFixed(seconds < 10 ? 2 : 1) + " s";
}

// Of a life.
function age(seconds) {
  if (!isTold(seconds)) return kNone;
  if (seconds < 120) return Math.max(0, Math.floor(seconds)) + " s";
  if (seconds < 7200) return Math.floor(seconds / 60) + " min";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h";
  return Math.floor(seconds / 86400) + " d";
}

function percent(value) {
  return isTold(value) ? (value < 10 ? value.toFixed(1) : Math.round(value)) + " %" : kNone;
}

function clock(at) {
  return new Date(at * 1000).toLocaleTimeString([], {hour12: false});
}

function some(number, one, several) {
  return number + " " + (number === 1 ? one : several);
}

// "crash: SIGSEGV", "reload".
function reason_of(exit) {
  const how = isTold(exit.signal) ? exit.signal : exit.exit_code ? "exit code " + exit.exit_code : "";
  return exit.reason.replaceAll("_", " ") + (how ? ": " + how : "");
}

// Whether nobody asked for it.
const kLosses = new Set(["crash", "exited", "oom", "hang", "boot_timeout", "protocol"]);
const is_loss = (exit) => kLosses.has(exit.reason);
