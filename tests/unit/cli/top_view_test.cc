#include "cli/top_view.h"

#include <gtest/gtest.h>

namespace roundhouse::cli {
namespace {

using Act = TopView::Act;

// Three workers; `requests` of the first, all told.
Json status(double requests) {
  Json json = *parse_json(R"json({
    "version": "1.2.3", "ready": true, "stopping": false,
    "edge": {"pid": 100, "uptime_seconds": 11520.5},
    "listeners": [{"name": "web", "accepted": 100, "paused": null}],
    "pools": [
      {"name": "app", "policy": "rr", "fairness": 0.99987, "wanted": 2, "states": {"ready": 2},
       "workers": [
        {"id": 1, "pid": 101, "state": "ready", "uptime_seconds": 3725, "restarts": 2,
         "connections": {"active": 16}, "requests": {"total": 0},
         "cpu_percent": 48.06, "resident_memory_bytes": 12897485, "older": []},
        {"id": 2, "pid": 102, "state": "ready", "uptime_seconds": 9, "restarts": 11,
         "connections": {"active": 4}, "requests": {"total": 50},
         "cpu_percent": 70.5, "resident_memory_bytes": 1048576,
         "older": [{"pid": 88, "state": "draining", "uptime_seconds": 600, "connections": 3}]}]},
      {"name": "node", "policy": "rr", "fairness": null, "wanted": 1, "states": {"ready": 0},
       "workers": [
        {"id": 1, "pid": null, "state": "backoff", "uptime_seconds": null, "restarts": 5,
         "connections": {"active": null}, "requests": {"total": null},
         "cpu_percent": null, "resident_memory_bytes": null, "older": []}]}]})json");
  json["pools"][0]["workers"][0]["requests"]["total"] = requests;
  return json;
}

TopView after_two_seconds() {
  TopView view;
  view.update(status(1000), 10);
  Json later = status(1500);
  later["listeners"][0]["accepted"] = 103;
  view.update(later, 12);
  return view;
}

// What stands at the beginning of the lines of workers.
std::vector<std::string> order(const TopView& view) {
  std::vector<std::string> names;
  for (const std::string& line : view.frame({}).lines) {
    const std::string name = line.substr(0, line.find(' '));
    if (name.contains('/')) names.push_back(name);
  }
  return names;
}

TEST(TopView, ShowsTheInstanceItsPoolsAndItsWorkers) {
  const TopView::Frame frame = after_two_seconds().frame({.columns = 100, .lines = 12});
  EXPECT_EQ(frame.lines,
            (std::vector<std::string>{
                "roundhouse 1.2.3, edge 100, up 3h 12m, ready",
                "pool app: 2 of 2 ready, rr, fairness 0.9998", "pool node: 0 of 1 ready, rr",
                "250.0 requests/s, 1.5 connections/s, 23 open",
                "WORKER               PID STATE          UP  RST   OPEN     REQ/S  CPU%    MEMORY",
                "app/1                101 ready          1h    2     16     250.0  48.1   12.3MiB",
                "app/2                102 ready        9.0s   11      4       0.0  70.5    1.0MiB",
                "app/2                 88 draining      10m           3",
                "node/1                 - backoff         -    5      -         -     -         -",
                "by id | q quit r restart | c cpu m memory s req/s o open t restarts i id"}));
  EXPECT_EQ(frame.highlighted, 5U);
}

TEST(TopView, KnowsNoRatesFromOneStatusNorWhenACounterBeganAnew) {
  TopView view;
  view.update(status(1000), 10);
  EXPECT_TRUE(view.frame({}).lines[3].starts_with("- requests/s, - connections/s"));
  view.update(status(10), 11);
  EXPECT_NE(view.frame({}).lines[5].find(" - "), std::string::npos);
  EXPECT_TRUE(view.frame({}).lines[3].starts_with("0.0 requests/s, 0.0 connections/s"));
}

TEST(TopView, KeysSortByWhatTheySay) {
  TopView view = after_two_seconds();
  const std::vector<std::string> by_id = {"app/1", "app/2", "app/2", "node/1"};
  EXPECT_EQ(order(view), by_id);
  const std::vector<std::string> second_first = {"app/2", "app/2", "app/1", "node/1"};
  for (const auto& [key, expected] :
       {std::pair('c', second_first), {'m', by_id}, {'s', by_id}, {'o', by_id}, {'i', by_id}}) {
    EXPECT_EQ(view.press(key), Act::kNone);
    EXPECT_EQ(order(view), expected) << key;
  }
  view.press('t');
  EXPECT_EQ(order(view), (std::vector<std::string>{"app/2", "app/2", "node/1", "app/1"}));
  EXPECT_TRUE(view.frame({}).lines.back().starts_with("by restarts |"));
  EXPECT_EQ(view.press('q'), Act::kQuit);
}

TEST(TopView, TheSelectionMovesAndStaysWithItsWorker) {
  TopView view = after_two_seconds();
  EXPECT_EQ(view.selected(), "app/1");
  view.press(TopView::kUp);
  EXPECT_EQ(view.selected(), "app/1");
  view.press(TopView::kDown);
  EXPECT_EQ(view.selected(), "app/2");
  view.press('j');
  view.press('j');
  EXPECT_EQ(view.selected(), "node/1");
  view.press('k');
  view.press('c');
  EXPECT_EQ(view.selected(), "app/2");
  EXPECT_EQ(view.frame({}).highlighted, 5U);
  Json without = status(1);
  without["pools"][0]["workers"].erase(1);
  view.update(without, 20);
  EXPECT_EQ(view.selected(), "app/1");
}

TEST(TopView, ARestartIsAskedAboutFirst) {
  TopView view = after_two_seconds();
  view.press('j');
  EXPECT_EQ(view.press('r'), Act::kNone);
  EXPECT_EQ(view.frame({}).lines.back(), "restart app/2? y/n");
  EXPECT_EQ(view.press('n'), Act::kNone);
  EXPECT_EQ(view.frame({}).lines.back(), "nothing was restarted");
  view.press('r');
  EXPECT_EQ(view.press('q'), Act::kNone);  // is no yes
  view.press('r');
  EXPECT_EQ(view.press('y'), Act::kRestart);
  EXPECT_EQ(view.selected(), "app/2");
  view.note("restart applied");
  EXPECT_EQ(view.frame({}).lines.back(), "restart applied");
}

TEST(TopView, FitsANarrowTerminalAndLeavesOutWhatIsWorthLeast) {
  const TopView view = after_two_seconds();
  for (const std::size_t columns : {80, 60, 40, 20, 5}) {
    const TopView::Frame frame = view.frame({.columns = columns, .lines = 20});
    for (const std::string& line : frame.lines) EXPECT_LE(line.size(), columns);
  }
  const std::string at_80 = view.frame({.columns = 80, .lines = 20}).lines[4];
  EXPECT_EQ(at_80.size(), 80U) << at_80;
  EXPECT_TRUE(at_80.ends_with(" MEMORY")) << at_80;
  EXPECT_EQ(view.frame({.columns = 40, .lines = 20}).lines[4],
            "WORKER           STATE           REQ/S");
}

TEST(TopView, FitsALowTerminalWithTheSelectionInSight) {
  TopView view = after_two_seconds();
  for (int i = 0; i < 3; ++i) view.press('j');
  for (const std::size_t lines : {1, 2, 3, 4, 5, 6, 7, 8, 30}) {
    const TopView::Frame frame = view.frame({.columns = 80, .lines = lines});
    EXPECT_LE(frame.lines.size(), lines);
    if (lines < 7) continue;
    ASSERT_TRUE(frame.highlighted) << lines;
    EXPECT_TRUE(frame.lines[*frame.highlighted].starts_with("node/1 ")) << lines;
  }
}

TEST(TopView, SaysThatThereIsNoAnswerAndWhichListenersPause) {
  TopView view = after_two_seconds();
  view.lost("control.sock: Connection refused");
  EXPECT_EQ(view.frame({}).lines.back(),
            "NO ANSWER, asking again: control.sock: Connection refused");
  EXPECT_EQ(order(view).size(), 4U);
  Json paused = status(2000);
  paused["listeners"][0]["paused"] = "max_connections";
  view.update(paused, 14);
  EXPECT_TRUE(view.frame({}).lines.back().starts_with("by id"));
  EXPECT_EQ(view.frame({}).lines[4], "PAUSED: web (max_connections)");
}

TEST(TopView, WhateverWasSentMovesNoCursor) {
  for (const char* text :
       {"null", "[]", "{}", "7", R"({"pools": 7, "listeners": "x"})",
        R"({"version": "\u001b[2J", "pools": [{"name": "\n", "workers": [3]}]})"}) {
    TopView view;
    view.update(*parse_json(text), 1);
    for (const std::string& line : view.frame({}).lines) {
      for (const char c : line) EXPECT_GE(c, ' ') << text;
    }
  }
}

}  // namespace
}  // namespace roundhouse::cli
