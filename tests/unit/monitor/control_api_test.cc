#include "monitor/control_api.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <vector>

#include "base/json.h"
#include "support/fake_instance.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;
using test::FakeInstance;

constexpr Time kNow{1000s};

class ControlApiTest : public testing::Test {
 protected:
  ControlApiTest() : instance_(FakeInstance::one_pool(2)) {
    instance_.make_ready(0, 101);
    instance_.make_ready(1, 102);
    instance_.header().edge_heartbeat_ns = nanoseconds(kNow - 1s);
    std::strcpy(instance_.header().configuration_source, "/etc/roundhouse/roundhouse.yaml");
  }

  Response ask(Method method, const std::string& path, Viewer viewer = Viewer::kAnyone) {
    return api_.respond({method, path, viewer});
  }
  Json status_for(Viewer viewer) {
    return parse_json(ask(Method::kGet, "/api/v1/status", viewer).body).value();
  }

  FakeInstance instance_;
  config::Configuration configuration_;
  std::vector<ipc::Command> commands_;
  bool edge_listens_ = true;
  ControlApi api_{{.glance = [this] { return instance_.snapshot(kNow); },
                   .look = [this] { return instance_.snapshot(kNow); },
                   .send =
                       [this](const ipc::CommandMessage& command) {
                         commands_.push_back(command.command);
                         return edge_listens_;
                       },
                   .configuration = &configuration_}};
};

TEST_F(ControlApiTest, HealthzIsOkWhileTheEdgeBeats) {
  EXPECT_EQ(ask(Method::kGet, "/healthz").status, 200);
  EXPECT_EQ(ask(Method::kGet, "/healthz").body, "ok\n");
}

TEST_F(ControlApiTest, HealthzSays503WhenTheEdgeHasBeenSilentForMoreThanTenSeconds) {
  instance_.header().edge_heartbeat_ns = nanoseconds(kNow - 10s);
  EXPECT_EQ(ask(Method::kGet, "/healthz").status, 200);
  instance_.header().edge_heartbeat_ns = nanoseconds(kNow - 12s);
  const Response response = ask(Method::kGet, "/healthz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "no heartbeat of the edge for 12.0 s\n");
  instance_.header().edge_heartbeat_ns = 0;
  EXPECT_EQ(ask(Method::kGet, "/healthz").status, 503);
}

TEST_F(ControlApiTest, ReadyzIsOkWhenEveryPoolHasAReadyWorker) {
  instance_.worker(0).state = ipc::WorkerState::kBackoff;
  EXPECT_EQ(ask(Method::kGet, "/readyz").status, 200);
  instance_.worker(1).state = ipc::WorkerState::kStarting;
  const Response response = ask(Method::kGet, "/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "pool hello has no ready worker\n");
}

TEST_F(ControlApiTest, ReadyzSays503WhileTheEdgeStops) {
  instance_.header().stopping = 1;
  const Response response = ask(Method::kGet, "/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "the edge is stopping\n");
}

TEST_F(ControlApiTest, ReadyzSays503WhenTheEdgeIsSilent) {
  instance_.header().edge_heartbeat_ns = nanoseconds(kNow - 60s);
  EXPECT_EQ(ask(Method::kGet, "/readyz").status, 503);
}

TEST_F(ControlApiTest, MetricsAreForPrometheus) {
  const Response response = ask(Method::kGet, "/metrics");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(response.body.find("\nroundhouse_start_time_seconds 1000\n"), std::string::npos);
}

TEST_F(ControlApiTest, AnUnknownPathIsToldWhatExists) {
  for (const char* path : {"/nothing", "/metrics/", "//metrics", "/api/v1/pools//policy",
                           "/api/v1/pools/a/b/policy", "/api/v1/pools/policy"}) {
    const Response response = ask(Method::kGet, path, Viewer::kOperator);
    EXPECT_EQ(response.status, 404) << path;
    EXPECT_NE(response.body.find("/api/v1/status"), std::string::npos);
    EXPECT_EQ(response.body.find("nothing"), std::string::npos)
        << "nothing of the peer's comes back";
  }
}

TEST_F(ControlApiTest, TheRootOfTheApiListsWhatThereIs) {
  const Response response = ask(Method::kGet, "/api/v1");
  EXPECT_EQ(response.status, 200);
  for (const char* path : {"/metrics", "/healthz", "/readyz", "/api/v1/status", "/api/v1/stop"}) {
    EXPECT_NE(response.body.find(path), std::string::npos) << path;
  }
}

TEST_F(ControlApiTest, TheDashboardIsOnePageThatNeedsNothingElse) {
  for (const char* path : {"/", "/dashboard"}) {
    const Response response = ask(Method::kGet, path);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
    EXPECT_LE(response.body.size(), 150U * 1024);
    for (const char* outside :
         {"<script src", "<link rel=\"stylesheet", "@import", "url(", "@SCRIPT@"})
      EXPECT_EQ(response.body.find(outside), std::string::npos) << outside;
    EXPECT_NE(response.body.find("Copyright (c) 2022 Leon Sorokin"), std::string::npos)
        << "uPlot's licence goes with it";
    EXPECT_TRUE(response.policy.starts_with("default-src 'none'; script-src 'sha256-"));
    EXPECT_EQ(response.policy.find("unsafe"), std::string::npos);
  }
}

TEST_F(ControlApiTest, WhatReadsTakesNoOtherMethod) {
  for (const char* path : {"/", "/metrics", "/healthz", "/readyz", "/api/v1/status"}) {
    for (Method method : {Method::kPost, Method::kPut, Method::kOther}) {
      const Response response = ask(method, path);
      EXPECT_EQ(response.status, 405) << path;
      EXPECT_EQ(response.allow, "GET, HEAD") << path;
    }
    EXPECT_EQ(ask(Method::kHead, path).status, 200) << path;
  }
}

TEST_F(ControlApiTest, StopIsForTheControlSocketAlone) {
  EXPECT_EQ(ask(Method::kPost, "/api/v1/stop", Viewer::kAnyone).status, 403);
  EXPECT_EQ(ask(Method::kGet, "/api/v1/stop", Viewer::kOperator).status, 405);
  EXPECT_EQ(ask(Method::kPut, "/api/v1/stop", Viewer::kOperator).status, 405);
  EXPECT_TRUE(commands_.empty());
  EXPECT_EQ(ask(Method::kPost, "/api/v1/stop", Viewer::kOperator).status, 202);
  EXPECT_EQ(commands_, std::vector{ipc::Command::kStop});
}

TEST_F(ControlApiTest, TheConfigurationInForceIsShownToAnyoneAndComparedByAnOperator) {
  const Json shown =
      parse_json(ask(Method::kGet, "/api/v1/configuration", Viewer::kAnyone).body).value();
  EXPECT_TRUE(shown["text"].get<std::string>().starts_with("listeners:\n"));
  EXPECT_FALSE(shown.contains("origin") || shown.contains("comparable"));
  EXPECT_EQ(ask(Method::kPost, "/api/v1/configuration", Viewer::kOperator).status, 405);
  const Response response = ask(Method::kGet, "/api/v1/configuration", Viewer::kOperator);
  EXPECT_EQ(response.status, 200);
  const Json json = parse_json(response.body).value();
  EXPECT_EQ(json["origin"], "/etc/roundhouse/roundhouse.yaml");
  EXPECT_EQ(json["number"], 1);
  EXPECT_TRUE(json["text"].get<std::string>().starts_with("listeners:\n"));
  EXPECT_TRUE(json["comparable"].is_object());
}

TEST_F(ControlApiTest, NothingIsToldOrChangedUnderAForeignNameButHealthAndMetrics) {
  Request request{.viewer = Viewer::kOperator, .host = "evil.example"};
  for (const char* path : {"/metrics", "/healthz", "/readyz"}) {
    request.path = path;
    EXPECT_EQ(api_.respond(request).status, 200) << path;
  }
  request.method = Method::kPost;
  EXPECT_EQ(api_.respond(request).status, 403) << "only what is read";
  for (const char* path : {"/", "/api/v1/status", "/api/v1/logs", "/api/v1/stop", "/nothing"}) {
    for (Method method : {Method::kGet, Method::kPost}) {
      request.method = method;
      request.path = path;
      const Response response = api_.respond(request);
      EXPECT_EQ(response.status, 403) << path;
      EXPECT_TRUE(parse_json(response.body)
                      .value()["error"]
                      .get<std::string>()
                      .starts_with("the Host is neither"));
    }
  }
  EXPECT_TRUE(commands_.empty());
}

TEST_F(ControlApiTest, APageOfAnotherOriginChangesNothing) {
  const Request request{.method = Method::kPost,
                        .path = "/api/v1/stop",
                        .viewer = Viewer::kOperator,
                        .host = "localhost",
                        .origin = "http://evil.example"};
  const Response response = api_.respond(request);
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(parse_json(response.body).value()["error"],
            "the request comes from a page of another origin");
  EXPECT_TRUE(commands_.empty());
}

TEST_F(ControlApiTest, ABodyThatIsNoJsonOrTooLongChangesNothing) {
  for (const char* path :
       {"/api/v1/stop", "/api/v1/reload", "/api/v1/restart", "/api/v1/pools/hello/restart",
        "/api/v1/pools/hello/workers/1/restart", "/api/v1/pools/hello/scale"}) {
    Request request{.method = Method::kPost,
                    .path = path,
                    .viewer = Viewer::kOperator,
                    .body = R"({"workers": )"};
    EXPECT_EQ(api_.respond(request).status, 400) << path;
    request.body = std::string(ControlApi::kMaxBody + 1, ' ');
    EXPECT_EQ(api_.respond(request).status, 413) << path;
  }
  EXPECT_TRUE(commands_.empty());
}

TEST_F(ControlApiTest, StopSaysWhenTheEdgeDoesNotListen) {
  edge_listens_ = false;
  EXPECT_EQ(ask(Method::kPost, "/api/v1/stop", Viewer::kOperator).status, 503);
}

TEST_F(ControlApiTest, APolicyIsFrozen) {
  for (Method method : {Method::kPut, Method::kPost}) {
    const Response response = ask(method, "/api/v1/pools/hello/policy", Viewer::kOperator);
    EXPECT_EQ(response.status, 409);
    EXPECT_EQ(parse_json(response.body).value()["error"],
              "policy is frozen: the first worker of pool hello has been started; it changes by "
              "a reload");
  }
  EXPECT_EQ(ask(Method::kPut, "/api/v1/pools/other/policy", Viewer::kOperator).status, 404);
  EXPECT_EQ(ask(Method::kPut, "/api/v1/pools/hello/policy", Viewer::kAnyone).status, 403);
  EXPECT_EQ(ask(Method::kOther, "/api/v1/pools/hello/policy", Viewer::kOperator).status, 405);
}

TEST_F(ControlApiTest, StatusTellsOfTheInstance) {
  instance_.listener(0).accepted = 12;
  instance_.listener(0).paused = 2;
  std::strcpy(instance_.listener(0).addresses, "0.0.0.0:8000");
  instance_.header().monitor_restarts = 3;
  const Json json = status_for(Viewer::kOperator);
  EXPECT_EQ(json["version"], ROUNDHOUSE_VERSION);
  EXPECT_EQ(json["ready"], true);
  EXPECT_EQ(json["stopping"], false);
  EXPECT_EQ(json["edge"]["pid"], instance_.header().edge_pid);
  EXPECT_EQ(json["configuration_source"], "/etc/roundhouse/roundhouse.yaml");
  EXPECT_EQ(json["monitor_restarts"], 3);
  const Json& listener = json["listeners"][0];
  EXPECT_EQ(listener["name"], "web");
  EXPECT_EQ(listener["pool"], "hello");
  EXPECT_EQ(listener["addresses"], "0.0.0.0:8000");
  EXPECT_EQ(listener["accepted"], 12);
  EXPECT_EQ(listener["limit"], 10000);
  EXPECT_EQ(listener["paused"], "max_connections");
  const Json& pool = json["pools"][0];
  EXPECT_EQ(pool["policy"], "rr");
  EXPECT_EQ(pool["fairness"], nullptr);
  EXPECT_EQ(pool["states"]["ready"], 2);
  EXPECT_EQ(pool["states"]["quarantined"], 0);
}

TEST_F(ControlApiTest, StatusTellsOfEachWorker) {
  instance_.worker(0).started_ns = nanoseconds(kNow - 90s);
  instance_.worker(0).untaken = 2;
  instance_.worker(0).stalled = 1;
  ipc::add(instance_.worker(0).restarts[static_cast<std::size_t>(ipc::ExitReason::kHang)], 2);
  ipc::add(instance_.worker(0).crashes[SIGKILL], 1);
  instance_.slot(0).connections_active = 5;
  instance_.slot(0).connections_total = 50;
  instance_.slot(0).requests_total = 500;
  instance_.worker(1).pid = 0;
  instance_.worker(1).state = ipc::WorkerState::kBackoff;
  instance_.worker(1).next_start_ns = nanoseconds(kNow + 2s);
  const Json json = status_for(Viewer::kAnyone);
  const Json& first = json["pools"][0]["workers"][0];
  EXPECT_EQ(first["id"], 1);
  EXPECT_EQ(first["pid"], 101);
  EXPECT_EQ(first["state"], "ready");
  EXPECT_EQ(first["generation"], 1);
  EXPECT_EQ(first["uptime_seconds"], 90);
  EXPECT_EQ(first["untaken"], 2);
  EXPECT_EQ(first["stalled"], true);
  EXPECT_EQ(first["restarts"], 2);
  EXPECT_EQ(first["restarts_by_reason"], (Json{{"hang", 2}}));
  EXPECT_EQ(first["crashes"], 1);
  EXPECT_EQ(first["crashes_by_signal"], (Json{{"SIGKILL", 1}}));
  EXPECT_EQ(first["connections"], (Json{{"active", 5}, {"total", 50}, {"limit", 10000}}));
  EXPECT_EQ(first["requests"]["total"], 500);
  EXPECT_EQ(first["requests"]["per_second"], nullptr);
  EXPECT_EQ(first["cpu_percent"], nullptr);
  const Json& second = json["pools"][0]["workers"][1];
  EXPECT_EQ(second["pid"], nullptr);
  EXPECT_EQ(second["uptime_seconds"], nullptr);
  EXPECT_EQ(second["next_start_in_seconds"], 2);
}

TEST_F(ControlApiTest, AWorkerThatWasTakenAwayIsNeitherShownNorRestarted) {
  instance_.worker(0).wanted = 1;
  instance_.worker(1).pid = 0;
  instance_.worker(1).state = ipc::WorkerState::kGone;
  const Json pool = status_for(Viewer::kOperator)["pools"][0];
  EXPECT_EQ(pool["wanted"], 1);
  EXPECT_EQ(pool["workers"].size(), 1U);
  EXPECT_EQ(ask(Method::kPost, "/api/v1/pools/hello/workers/2/restart", Viewer::kOperator).status,
            404);
  EXPECT_EQ(ask(Method::kPost, "/api/v1/pools/hello/workers/1/restart", Viewer::kOperator).status,
            202);
}

TEST_F(ControlApiTest, StatusTellsOfTheLastExits) {
  ipc::ExitRecord record{.at = 1234.5,
                         .reason = ipc::ExitReason::kCrash,
                         .pid = 99,
                         .signal = SIGSEGV,
                         .core_dumped = 1,
                         .was_ready = 1,
                         .lived_ns = 12'400'000'000,
                         .max_resident_bytes = 1 << 20,
                         .connections_active = 3,
                         .requests_in_flight = 1,
                         .in_flight_texts = 1,
                         .backtrace_frames = 2,
                         .backtrace = {0x1a2b, 0x10}};
  std::strcpy(record.in_flight[0], "GET /\x1b[31m\xff\\ 127.0.0.1");
  instance_.record_exit(0, {.at = 1, .reason = ipc::ExitReason::kExited, .exit_code = 3});
  instance_.record_exit(0, record);
  const Json exits = status_for(Viewer::kOperator)["pools"][0]["workers"][0]["exits"];
  ASSERT_EQ(exits.size(), 2U);
  EXPECT_EQ(exits[0]["at"], 1234.5);
  EXPECT_EQ(exits[0]["reason"], "crash");
  EXPECT_EQ(exits[0]["signal"], "SIGSEGV");
  EXPECT_EQ(exits[0]["exit_code"], nullptr);
  EXPECT_EQ(exits[0]["core_dumped"], true);
  EXPECT_DOUBLE_EQ(exits[0]["lived_seconds"], 12.4);
  EXPECT_EQ(exits[0]["backtrace"], (Json{"0x1a2b", "0x10"}));
  EXPECT_EQ(exits[0]["in_flight"], Json::array({R"(GET /\x1b[31m\xff\\ 127.0.0.1)"}));
  EXPECT_EQ(exits[1]["signal"], nullptr);
  EXPECT_EQ(exits[1]["exit_code"], 3);
}

TEST_F(ControlApiTest, OverTcpNeitherTheConfigurationNorClientsRequestsAreShown) {
  ipc::ExitRecord record{.requests_in_flight = 1, .in_flight_texts = 1};
  std::strcpy(record.in_flight[0], "GET /?token=secret");
  instance_.record_exit(0, record);
  EXPECT_NE(ask(Method::kGet, "/api/v1/status", Viewer::kOperator).body.find("secret"),
            std::string::npos);
  const std::string body = ask(Method::kGet, "/api/v1/status", Viewer::kAnyone).body;
  EXPECT_EQ(body.find("secret"), std::string::npos);
  EXPECT_EQ(body.find("roundhouse.yaml"), std::string::npos);
}

TEST_F(ControlApiTest, AnExitRecordWithImpossibleNumbersIsHarmless) {
  ipc::ExitRecord record{.signal = 12345, .in_flight_texts = 9999, .backtrace_frames = 9999};
  std::memset(record.in_flight, 'x', sizeof record.in_flight);
  record.reason = static_cast<ipc::ExitReason>(77);
  instance_.record_exit(0, record);
  const Json exits = status_for(Viewer::kOperator)["pools"][0]["workers"][0]["exits"];
  EXPECT_EQ(exits[0]["reason"], "unknown");
  EXPECT_EQ(exits[0]["in_flight"].size(), ipc::kInFlightTexts);
  EXPECT_EQ(exits[0]["backtrace"].size(), ipc::kBacktraceFrames);
}

}  // namespace
}  // namespace roundhouse::monitor
