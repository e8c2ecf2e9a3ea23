// What the API tells of the past, and as it happens.
#include "monitor/history_api.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "monitor/control_api.h"
#include "support/fake_instance.h"

namespace roundhouse::monitor {
namespace {

using namespace std::chrono_literals;

class HistoryApi : public testing::Test {
 protected:
  test::FakeInstance instance_{test::FakeInstance::one_pool(2)};
  ipc::HistoryBoard history_ = ipc::HistoryBoard::create().value();
  ControlApi api_{
      {.look = [this] { return instance_.snapshot(Time(1000s)); }, .history = &history_}};
};

TEST_F(HistoryApi, EventsAreToldFromOneOn) {
  for (int i = 1; i <= 3; ++i)
    history_.add_event({.at = 5,
                        .kind = ipc::EventKind::kWorkerExited,
                        .level = ipc::EventLevel::kError,
                        .pid = 7,
                        .subject = "hello/1",
                        .text = "crash",
                        .detail = "GET /secret"});
  const auto ask_after = [&](const std::string& query, Viewer viewer) {
    return parse_json(
               api_.respond({.path = "/api/v1/events", .viewer = viewer, .query = query}).body)
        .value();
  };
  const Json all = ask_after("", Viewer::kAnyone);
  EXPECT_EQ(all["last"], 3);
  EXPECT_EQ(all["events"].size(), 3U);
  EXPECT_EQ(to_text(all["events"][0]),
            R"({"sequence":1,"at":5.0,"kind":"worker_exited","level":"error","subject":"hello/1",)"
            R"("pid":7,"text":"crash"})");
  EXPECT_EQ(ask_after("after=2", Viewer::kAnyone)["events"].size(), 1U);
  EXPECT_EQ(ask_after("after=9", Viewer::kAnyone)["events"].size(), 3U) << "of another instance";
  EXPECT_EQ(ask_after("after=2", Viewer::kOperator)["events"][0]["detail"], "GET /secret");
}

TEST_F(HistoryApi, HistoryIsAListForEachSeries) {
  ipc::HistorySample sample{.at = 5.04, .requests_per_second = 12.3456F, .p99_seconds = NAN};
  history_.place_workers(std::vector<std::string>{"hello/1"});
  sample.workers[0] = {.requests_per_second = 3, .cpu_percent = NAN};
  history_.add(ipc::HistoryStep::kFine, sample);
  const Json json = parse_json(api_.respond({.path = "/api/v1/history"}).body).value();
  EXPECT_EQ(json["fine"]["seconds"], 1);
  EXPECT_EQ(to_text(json["fine"]["at"]), "[5.0]");
  EXPECT_EQ(to_text(json["fine"]["requests_per_second"]), "[12.35]");
  EXPECT_EQ(to_text(json["fine"]["p99_seconds"]), "[null]");
  EXPECT_EQ(to_text(json["fine"]["workers"]),
            R"({"hello/1":{"requests_per_second":[3.0],"cpu_percent":[null]}})");
  EXPECT_EQ(to_text(json["coarse"]["at"]), "[]");
}

TEST_F(HistoryApi, AStreamBeginsWithWhatWasMissedAndHowThingsAre) {
  for (int i = 1; i <= 3; ++i) history_.add_event({.at = 5, .subject = "edge"});
  Request request{.path = "/api/v1/stream"};
  Response response = api_.respond(request);
  EXPECT_EQ(response.content_type, "text/event-stream");
  EXPECT_EQ(response.stream, 3U);
  EXPECT_TRUE(response.body.starts_with("retry: 2000\n\nevent: snapshot\ndata: {"));
  request.last_event_id = "1";
  response = api_.respond(request);
  EXPECT_TRUE(response.body.starts_with("retry: 2000\n\nid: 2\nevent: event\ndata: {"));
  EXPECT_NE(response.body.find("\n\nid: 3\n"), std::string::npos);
  request.last_event_id = "12";
  EXPECT_NE(api_.respond(request).body.find("id: 1\n"), std::string::npos) << "another instance's";
  request.last_event_id = "nonsense\nid: 7";
  EXPECT_EQ(api_.respond(request).stream, 3U);
  std::uint64_t after = 2;
  EXPECT_TRUE(api_.stream_news(Viewer::kAnyone, after).starts_with("id: 3\n"));
  EXPECT_EQ(after, 3U);
  EXPECT_EQ(api_.stream_news(Viewer::kAnyone, after), "");
}

TEST_F(HistoryApi, AStreamTellsOfEachWorkerItsLastExitAlone) {
  ipc::ExitRecord record{};
  record.backtrace_frames = 1;
  for (const int pid : {90, 91}) {
    record.pid = pid;
    instance_.record_exit(0, record);
  }
  const std::string text = api_.stream_state(Viewer::kAnyone);
  const auto begin = text.find('{');
  const Json live = parse_json(text.substr(begin, text.find('\n', begin) - begin)).value();
  const Json exits = live["pools"][0]["workers"][0]["exits"];
  ASSERT_EQ(exits.size(), 1U);
  EXPECT_EQ(exits[0]["pid"], 91);
  EXPECT_FALSE(exits[0].contains("backtrace"));
  EXPECT_TRUE(live["sample"].is_null()) << "there is none yet";
  EXPECT_EQ(live["configuration"]["number"], 1);
}

}  // namespace
}  // namespace roundhouse::monitor
