#include "cli/status_view.h"

#include <gtest/gtest.h>

#include "cli/table.h"

namespace roundhouse::cli {
namespace {

constexpr double kNow = 1'800'000'000;

Json example() {
  return *parse_json(R"json({
    "version": "1.2.3", "ready": true, "stopping": false, "configuration_source": "x.yaml (-c)",
    "edge": {"pid": 100, "uptime_seconds": 11520.5},
    "listeners": [{"name": "web", "pool": "app", "addresses": "[::]:8000, unix:/s", "accepted": 1234567,
                   "active": 12, "limit": 10000, "paused": null}],
    "pools": [{"name": "app", "type": "hello", "policy": "rr", "fairness": 0.99987, "states": {"ready": 1},
      "workers": [
        {"id": 1, "pid": 101, "state": "ready", "generation": 1, "uptime_seconds": 12.7, "stalled": true,
         "next_start_in_seconds": null, "restarts": 2, "crashes": 1,
         "connections": {"active": 16, "total": 45678}, "requests": {"per_second": 4512.34},
         "cpu_percent": 48.06, "resident_memory_bytes": 12897485,
         "exits": [{"at": 1799999995, "reason": "crash", "pid": 90, "signal": "SIGSEGV", "exit_code": null,
                    "core_dumped": true, "was_ready": true, "lived_seconds": 3725.0, "ready_for_seconds": 3724.9,
                    "user_cpu_seconds": 1.5, "system_cpu_seconds": 0.6, "max_resident_memory_bytes": 1048576,
                    "connections_active": 3, "requests_in_flight": 1,
                    "backtrace": ["0x12ab"], "in_flight": ["GET /die HTTP/1.1"]},
                   {"at": 1799990000, "reason": "crash", "signal": null, "exit_code": 3, "was_ready": false}]},
        {"id": 2, "pid": null, "state": "backoff", "generation": 1, "uptime_seconds": null, "stalled": false,
         "next_start_in_seconds": 3.25, "restarts": 11, "connections": {"active": null, "total": null},
         "requests": {"per_second": null}, "cpu_percent": null, "resident_memory_bytes": null, "exits": []}]}]})json");
}

TEST(StatusView, IsATableOfEachPoolBelowTheInstanceAndItsListeners) {
  EXPECT_EQ(status_text(example(), kNow),
            "roundhouse 1.2.3, edge 100, up 3h 12m, ready\n"
            "configuration: x.yaml (-c)\n"
            "listener web on [::]:8000, unix:/s, pool app: 12 of 10,000 connections open, "
            "1,234,567 accepted\n"
            "\n"
            "pool app (hello, policy rr, fairness 0.9998): 1 of 2 workers ready\n"
            "  ID  PID  STATE                    GEN  UPTIME  RESTARTS  LAST EXIT                "
            "OPEN   TOTAL"
            "    REQ/S  CPU %   MEMORY\n"
            "   1  101  ready (stalled)            1     12s         2  crash SIGSEGV, 5.0s ago    "
            "16  45,678"
            "  4,512.3   48.1  12.3MiB\n"
            "   2    -  backoff (start in 3.2s)    1       -        11  -                          "
            " -       -"
            "        -      -        -\n");
}

TEST(StatusView, CertificatesThatExpireSoonAreToldBeforeTheListeners) {
  Json status = example();
  status["certificates"]["expire"] = {"listener web: the certificate for a.test has expired"};
  EXPECT_NE(status_text(status, kNow)
                .find("(-c)\nCERTIFICATE EXPIRES: listener web: the certificate for a.test has "
                      "expired\nlistener web"),
            std::string::npos)
      << status_text(status, kNow);
}

TEST(StatusView, WhatDrainsBesideAWorkerStandsBelowIt) {
  Json status = example();
  status["pools"][0]["workers"][0]["older"].push_back({{"pid", 88},
                                                       {"generation", 1},
                                                       {"state", "draining"},
                                                       {"uptime_seconds", 61},
                                                       {"connections", 3}});
  const std::string text = status_text(status, kNow);
  EXPECT_NE(text.find("\n   1   88  draining                   1   1m 1s "), std::string::npos)
      << text;
  EXPECT_LT(text.find("   1  101 "), text.find("   1   88 "));
  EXPECT_NE(status_text_of(status, "app/1", kNow)
                ->find("  beside it pid 88, draining, up 1m 1s, 3 connections open\n"),
            std::string::npos);
}

TEST(StatusView, ALimitIsNotShownWhereNobodyCounts) {
  const auto line_of = [](const char* active, const char* accepted) {
    Json status = example();
    status["listeners"][0]["active"] = *parse_json(active);
    status["listeners"][0]["accepted"] = *parse_json(accepted);
    const std::string text = status_text(status, kNow);
    const auto begin = text.find("listener web");
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(line_of("null", "12"), "listener web on [::]:8000, unix:/s, pool app: 12 accepted");
  EXPECT_EQ(line_of("null", "null"), "listener web on [::]:8000, unix:/s, pool app");
  EXPECT_EQ(line_of("3", "null"),
            "listener web on [::]:8000, unix:/s, pool app: 3 of 10,000 connections open");
}

TEST(StatusView, OfAWorkerIsHowItsLastProcessesEnded) {
  const auto text = status_text_of(example(), "app/1", kNow);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(
      text->starts_with("worker app/1: ready (stalled), pid 101, up 12s, 2 restarts, 1 crash\n"
                        "last exits, the newest first:\n"))
      << *text;
  EXPECT_NE(text->find(", 5.0s ago: crash SIGSEGV, core dumped\n"
                       "    pid 90, lived 1h 2m, ready for 1h 2m, CPU 2.1s, at most 1.0MiB\n"
                       "    3 connections open, 1 request in flight\n"
                       "    in flight:\n      GET /die HTTP/1.1\n"
                       "    backtrace, for addr2line -Cfpe roundhouse:\n      0x12ab\n"),
            std::string::npos)
      << *text;
  EXPECT_NE(text->find(": crash exit code 3\n    pid -, lived -, never ready"), std::string::npos)
      << *text;
  EXPECT_NE(status_text_of(example(), "app/2", kNow)->find("no process of it has ended"),
            std::string::npos);
}

TEST(StatusView, OfAPoolIsItsTable) {
  EXPECT_TRUE(status_text_of(example(), "app", kNow)->starts_with("pool app (hello,"));
  EXPECT_EQ(status_json_of(example(), "app").value()["name"], "app");
  EXPECT_EQ(status_json_of(example(), "app/2").value()["restarts"], 11);
}

TEST(StatusView, EndpointsStandBelowWithTheirStates) {
  Json status = example();
  status["pools"] = Json::array();
  for (const char* state : {"in use", "unhealthy", "leaving"}) {
    status["endpoints"].push_back({{"upstream", "api"},
                                   {"name", "10.0.0.1:80"},
                                   {"state", state},
                                   {"ejected_by", 2},
                                   {"requests", {{"total", 1234}, {"in_flight", 1}, {"failed", 2}}},
                                   {"connections", {{"active", 3}}},
                                   {"p50_seconds", 0.002},
                                   {"p99_seconds", nullptr}});
  }
  const std::string text = status_text(status, kNow);
  EXPECT_EQ(text.substr(text.find("UPSTREAM")),
            "UPSTREAM  ENDPOINT     STATE                 IN FLIGHT  OPEN  REQUESTS  FAILED  SENT  "
            "RECEIVED     P50  P99\n"
            "api       10.0.0.1:80  ejected by 2 workers          1     3     1,234       2     -  "
            "       -  2.0 ms    -\n"
            "api       10.0.0.1:80  unhealthy                     1     3     1,234       2     -  "
            "       -  2.0 ms    -\n"
            "api       10.0.0.1:80  leaving                       1     3     1,234       2     -  "
            "       -  2.0 ms    -\n");
}

TEST(StatusView, OfANodePoolIsWhatItListensOn) {
  Json status = example();
  Json& workers = status["pools"][0]["workers"];
  workers[0]["listens"] = "3000 -> web ([::]:8000)";
  workers[1]["listens"] = "3000 -> web ([::]:8000)";
  const std::string text = *status_text_of(status, "app", kNow);
  const std::string line = "\n  listens: 3000 -> web ([::]:8000)\n";
  const std::size_t at = text.find(line);
  ASSERT_NE(at, text.npos) << text;
  EXPECT_EQ(text.find("listens:", at + line.size()), text.npos) << "all alike: once";
  workers[0]["exits"][0]["connections_active"] = nullptr;
  EXPECT_EQ(status_text_of(status, "app/1", kNow)->find("connections open"), text.npos);
}

TEST(StatusView, WhatIsNotThereIsSaid) {
  EXPECT_EQ(status_text_of(example(), "ap", kNow).error().message,
            "there is no pool 'ap'; expected one of app");
  EXPECT_EQ(status_text_of(example(), "app/9", kNow).error().message,
            "there is no worker '9' in pool app; expected 1 to 2");
  EXPECT_FALSE(status_json_of(example(), "app/"));
}

TEST(StatusView, AnythingElseThanAStatusIsShownWithoutItsValues) {
  for (
      const char* text :
      {"null", "[]", "1", "{}", R"({"edge": [], "pools": {}, "listeners": 1})",
       R"({"pools": [null, {"workers": [1, {"exits": 3}, {"exits": [4]}]}], "listeners": [[]]})"}) {
    const Json json = *parse_json(text);
    EXPECT_TRUE(status_text(json, kNow).starts_with("roundhouse -")) << text;
    EXPECT_FALSE(status_text_of(json, "app", kNow));
  }
}

TEST(StatusView, NothingInItMovesTheCursor) {
  Json status = example();
  status["configuration_source"] = "\x1b[2Jx";
  EXPECT_NE(status_text(status, kNow).find("configuration: ?[2Jx\n"), std::string::npos);
}

TEST(Table, NumbersAreWrittenForPeople) {
  EXPECT_EQ(short_duration(0), "0s");
  EXPECT_EQ(short_duration(-3), "0s");
  EXPECT_EQ(short_duration(0.0123), "12ms");
  EXPECT_EQ(short_duration(9.99), "9.9s");
  EXPECT_EQ(short_duration(59.9), "59s");
  EXPECT_EQ(short_duration(60), "1m");
  EXPECT_EQ(short_duration(3599), "59m 59s");
  EXPECT_EQ(short_duration(86399), "23h 59m");
  EXPECT_EQ(short_duration(41 * 86400 + 7200), "41d 2h");
  EXPECT_EQ(short_duration(1e300), "ever");
  EXPECT_EQ(short_bytes(0), "0B");
  EXPECT_EQ(short_bytes(1536), "1.5KiB");
  EXPECT_EQ(short_bytes(5e18), "4547473.5TiB");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-1234567), "-1,234,567");
  EXPECT_EQ(grouped_tenths(999.96), "1,000.0");
  EXPECT_EQ(grouped_tenths(0.04), "0.0");
}

}  // namespace
}  // namespace roundhouse::cli
