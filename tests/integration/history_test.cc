// What the monitor remembers, and that it does over reloads and its own death.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/instance.h"

namespace roundhouse::test {
namespace {

Json fetch(const Instance& instance, const std::string& path) {
  return parse_json(get(instance.monitor(), path).body).value_or(Json::object());
}

// The last event of this kind and subject; null if there is none.
Json last_event(const Instance& instance, const std::string& kind, const std::string& subject) {
  Json found;
  const Json all = fetch(instance, "/api/v1/events");
  const Json events = all.value("events", Json::array());
  for (const Json& event : events)
    if (event["kind"] == kind && event["subject"] == subject) found = event;
  return found;
}

double sum(const Json& list) {
  double all = 0;
  for (const Json& value : list) all += value.is_null() ? 0 : value.get<double>();
  return all;
}

double requests_remembered(const Instance& instance) {
  const Json all = fetch(instance, "/api/v1/history");
  return sum(all.value("fine", Json::object()).value("requests_per_second", Json::array()));
}

TEST(History, RemembersLoadAndEventsOverAReloadAndTheMonitorsDeath) {
  Instance instance("app: {type: hello, workers: 2}");
  EXPECT_TRUE(eventually([&] { return !last_event(instance, "worker_ready", "app/2").is_null(); }));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(eventually([&] { return requests_remembered(instance) > 20; }));
  const double before = requests_remembered(instance);

  instance.process().signal(SIGHUP);
  EXPECT_TRUE(
      eventually([&] { return last_event(instance, "operation_ended", "reload").is_object(); }));
  EXPECT_EQ(last_event(instance, "operation_ended", "reload")["text"], "applied");
  EXPECT_GE(requests_remembered(instance), before);
  EXPECT_TRUE(last_event(instance, "worker_ready", "app/2").is_object());

  const pid_t monitor = instance.monitor_pid();
  ::kill(monitor, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const pid_t next = instance.monitor_pid();
    return next != 0 && next != monitor && get(instance.monitor(), "/readyz").status == 200;
  }));
  EXPECT_GE(requests_remembered(instance), before);
  EXPECT_TRUE(last_event(instance, "worker_ready", "app/2").is_object());
}

TEST(History, ACrashIsAnEventWithItsReasonAndWhatWasInFlight) {
  const Instance instance("app: {type: hello, workers: 2}");
  get(instance.web(), "/die");
  EXPECT_TRUE(eventually([&] {
    return !last_event(instance, "worker_exited", "app/1").is_null() ||
           !last_event(instance, "worker_exited", "app/2").is_null();
  }));
  Json event = last_event(instance, "worker_exited", "app/1");
  if (event.is_null()) event = last_event(instance, "worker_exited", "app/2");
  EXPECT_EQ(event["level"], "error");
  EXPECT_TRUE(event["text"].get<std::string>().starts_with("crash: "));
  EXPECT_NE(event["text"].get<std::string>().find("1 request in flight"), std::string::npos);
  EXPECT_FALSE(event.contains("detail")) << "what clients ask for is for operators";
  const Response all = get(*Address::parse("unix:" + instance.control_socket()), "/api/v1/events");
  EXPECT_NE(all.body.find("GET /die"), std::string::npos);
}

// Reads a stream until this has come.
bool streams(Client& client, const std::string& text, std::string& read) {
  return eventually([&] {
    char buffer[65536];
    const ssize_t count = ::recv(client.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (count > 0) read.append(buffer, static_cast<std::size_t>(count));
    return read.find(text) != read.npos;
  });
}

TEST(Stream, TellsHowThingsAreAndWhatHappensAndEndsWithAReload) {
  Instance instance("app: {type: hello, workers: 2}");
  EXPECT_TRUE(eventually([&] { return !last_event(instance, "worker_ready", "app/2").is_null(); }));
  Client client(instance.monitor());
  client.send("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  std::string read;
  EXPECT_TRUE(streams(client, "\nevent: snapshot\ndata: {\"version\":", read)) << read;
  EXPECT_NE(read.find("Content-Type: text/event-stream\r\n"), read.npos) << read;
  EXPECT_NE(read.find("retry: 2000\n\n"), read.npos);
  EXPECT_EQ(read.find("event: event"), read.npos) << "nothing has happened since";
  read.clear();
  ::kill(instance.worker_pids(2)[0], SIGKILL);
  EXPECT_TRUE(streams(client, "\nevent: event\ndata: {\"sequence\":", read));
  EXPECT_TRUE(streams(client, "\"kind\":\"worker_exited\"", read)) << read;
  EXPECT_TRUE(streams(client, "event: snapshot", read));
  instance.process().signal(SIGHUP);
  EXPECT_TRUE(streams(client, "\r\n0\r\n\r\n", read)) << "the end of the body";
}

TEST(Stream, WhoComesAgainGetsWhatWasMissed) {
  const Instance instance("app: {type: hello, workers: 2}");
  EXPECT_TRUE(eventually([&] { return !last_event(instance, "worker_ready", "app/2").is_null(); }));
  const auto last = fetch(instance, "/api/v1/events")["last"].get<std::uint64_t>();
  Client client(instance.monitor());
  client.send("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: " +
              std::to_string(last - 2) + "\r\n\r\n");
  std::string read;
  EXPECT_TRUE(streams(client, "event: snapshot", read));
  EXPECT_EQ(read.find("id: " + std::to_string(last - 2) + "\n"), read.npos);
  EXPECT_NE(read.find("id: " + std::to_string(last - 1) + "\n"), read.npos) << read;
  EXPECT_NE(read.find("id: " + std::to_string(last) + "\n"), read.npos);
}

TEST(Stream, ThereAreTwelveAndThoseThatEndMakeRoom) {
  const Instance instance("app: {type: hello, workers: 1}");
  const std::string request = "GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<Client>(instance.monitor()));
    clients.back()->send(request);
    std::string read;
    EXPECT_TRUE(streams(*clients.back(), "200 OK", read));
  }
  EXPECT_EQ(get(instance.monitor(), "/api/v1/stream").status, 503);
  EXPECT_EQ(get(instance.monitor(), "/metrics").status, 200) << "a stream keeps no scraper out";
  clients.pop_back();
  EXPECT_TRUE(eventually([&] {
    Client client(instance.monitor());
    client.send(request);
    std::string read;
    char byte[13];
    return ::recv(client.fd(), byte, sizeof byte, MSG_WAITALL) == sizeof byte &&
           std::string(byte, sizeof byte).find("200") != std::string::npos;
  }));
}

}  // namespace
}  // namespace roundhouse::test
