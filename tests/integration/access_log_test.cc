// The access log: a line for each request, wherever it goes and whatever becomes of that place.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "support/instance.h"
#include "support/origin.h"

namespace roundhouse::test {
namespace {

using Lines = std::vector<std::string>;

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The lines of the file, once there are so many; each of them JSON.
std::vector<Json> wait_for(const std::string& path, std::size_t count) {
  EXPECT_TRUE(eventually([&] { return lines_of(content(path)).size() >= count; })) << content(path);
  std::vector<Json> records;
  for (const std::string& line : lines_of(content(path))) {
    const auto record = parse_json(line);
    EXPECT_TRUE(record) << line;
    records.push_back(record.value_or(Json::object()));
  }
  EXPECT_EQ(records.size(), count);
  return records;
}

// Of all workers; `what` is lines or dropped.
double counted(const Instance& instance, int workers, const std::string& what) {
  double all = 0;
  for (int worker = 1; worker <= workers; ++worker)
    all += instance.metric("roundhouse_access_log_" + what + "_total{pool=\"app\",worker=\"" +
                           std::to_string(worker) + "\"}");
  return all;
}

class AccessLog : public testing::Test {
 protected:
  // With the access log as JSON in log_path().
  Instance::Options options(const std::string& more = "") const {
    return {.log = "access: {format: json, to: '" + log_path() + "'" + more + "}"};
  }
  std::string log_path() const { return directory.path() + "/access.log"; }

  TemporaryDirectory directory;
};

TEST_F(AccessLog, EachRequestIsOneLineWhateverItsBytes) {
  const Instance instance("app: {type: hello, workers: 2}", "", options());
  std::string bytes;
  for (int byte = 1; byte < 256; ++byte)
    if (byte != '\r' && byte != '\n') bytes += static_cast<char>(byte);
  const std::vector<std::string> requests = {
      "GET /" + bytes + " HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: t\r\nUser-Agent: a\"}\\\xff\xfe \xf0\x9f\x98\x80\r\n"
      "Connection: close\r\n\r\n",
      "GET /?x=%0a{\"status\":200} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: t\r\nReferer: " + std::string(8000, '"') +
          "\r\nConnection: close\r\n\r\n",
      "GET /" + std::string(9000, 'x') + " HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: t\r\nX: " + std::string(20000, 'x') + "\r\n\r\n",
      "\x16\x03\x01 \n\n",
      "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: gzip\r\n\r\n"};
  for (const std::string& request : requests) {
    Client client(instance.web());
    client.send(request);
    EXPECT_NE(client.receive().status, 0);
  }
  std::multiset<int> statuses;
  for (const Json& record : wait_for(log_path(), requests.size()))
    statuses.insert(record["status"].get<int>());
  EXPECT_EQ(statuses, (std::multiset<int>{200, 200, 200, 400, 400, 414, 431, 501}));
  for (const std::string& line : lines_of(content(log_path()))) EXPECT_LT(line.size(), 4096U);
}

TEST_F(AccessLog, HoldsNoSecrets) {
  const Origin origin("x");
  const Instance instance("app: {type: proxy, workers: 1}",
                          "upstreams: {site: ['" + origin.address().to_string() + "']}\n",
                          options());
  std::string names;
  for (const char* name : {"token", "access_token", "key", "api_key", "apikey", "password",
                           "passwd", "secret", "signature", "sig", "code", "%54oken"})
    names += std::string(name) + "=hush&";
  const std::string fields =
      "Authorization: Basic hush\r\nProxy-Authorization: hush\r\nCookie: session=hush\r\n"
      "Referer: http://me:hush@example.com/?" +
      names + "a=1\r\n";
  Client client(instance.web());
  EXPECT_EQ(client.request("GET", "/?" + names + "a=1", fields).status, 200);
  client.send("GET /?" + names + " HTTP/1.1\r\n" + fields + "\r\n");  // no Host
  EXPECT_EQ(client.receive().status, 400);
  wait_for(log_path(), 2);
  EXPECT_EQ(content(log_path()).find("hush"), std::string::npos) << content(log_path());
}

TEST_F(AccessLog, TellsTheWayThroughTheProxy) {
  Origin origin("hello");
  const std::string address = origin.address().to_string();
  const Instance instance("app: {type: proxy, workers: 1}",
                          "upstreams: {site: {servers: ['" + address + "']}}\n", options());
  Client client(instance.web());
  EXPECT_EQ(
      client.request("POST", "/a?b=1", "X-Request-Id: id-7\r\nUser-Agent: t/1\r\n", "12345").status,
      200);
  origin.stop();
  EXPECT_EQ(client.get("/down").status, 502);
  EXPECT_EQ(client.get("/%zz").status, 400);
  const std::vector<Json> records = wait_for(log_path(), 3);
  const Json& well = records.at(0);
  EXPECT_EQ(well["pool"], "app");
  EXPECT_EQ(well["worker"], 1);
  EXPECT_EQ(well["listener"], "web");
  EXPECT_EQ(well["route"], "site");
  EXPECT_EQ(well["upstream"], "site");
  EXPECT_EQ(well["endpoint"], address);
  EXPECT_EQ(well["client"], "127.0.0.1");
  EXPECT_TRUE(well["peer"].get<std::string>().starts_with("127.0.0.1:"));
  EXPECT_EQ(well["method"], "POST");
  EXPECT_EQ(well["target"], "/a?b=1");
  EXPECT_EQ(well["path"], "/a");
  EXPECT_EQ(well["status"], 200);
  EXPECT_EQ(well["request_bytes"], 5);
  EXPECT_EQ(well["response_bytes"], 5);
  EXPECT_EQ(well["tries"], 1);
  EXPECT_EQ(well["failure"], "");
  EXPECT_EQ(well["user_agent"], "t/1");
  EXPECT_EQ(well["request_id"], "id-7");
  EXPECT_TRUE(well["upstream_duration"].is_number());
  EXPECT_GE(well["connection"], 1);
  EXPECT_EQ(records.at(1)["status"], 502);
  EXPECT_EQ(records.at(1)["failure"], "connect_failed");
  EXPECT_EQ(records.at(1)["connection_requests"], 2);
  EXPECT_EQ(records.at(1)["request_id"].get<std::string>().size(), 32U);
  EXPECT_EQ(records.at(2)["failure"], "bad_path");
}

TEST_F(AccessLog, ATunnelIsALineAtItsEnd) {
  const Origin origin([](const Origin::Seen&) {
    return Origin::Reply{.bytes =
                             "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             "Upgrade: websocket\r\n\r\n",
                         .then = Origin::Then::kEcho};
  });
  const Instance instance("app: {type: proxy, workers: 1}",
                          "upstreams: {site: ['" + origin.address().to_string() + "']}\n",
                          options());
  {
    Client client(instance.web());
    client.send(
        "GET /chat HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n");
    EXPECT_EQ(client.receive(true).status, 101);
    client.send("hello");
    char echo[5];
    std::size_t got = 0;
    for (ssize_t n = 0; got < 5 && (n = ::read(client.fd(), echo + got, 5 - got)) > 0;)
      got += static_cast<std::size_t>(n);
    EXPECT_EQ(std::string(echo, got), "hello");
    EXPECT_EQ(content(log_path()), "");
  }
  const Json record = wait_for(log_path(), 1).at(0);
  EXPECT_EQ(record["status"], 101);
  EXPECT_EQ(record["request_bytes"], 5);
  EXPECT_EQ(record["response_bytes"], 5);
  EXPECT_EQ(record["failure"], "");
}

TEST_F(AccessLog, AClientThatLeavesIs499) {
  const Origin origin([](const Origin::Seen&) { return Origin::Reply{}; });  // never answers
  const Instance instance("app: {type: proxy, workers: 1}",
                          "upstreams: {site: ['" + origin.address().to_string() + "']}\n",
                          options());
  Client client(instance.web());
  client.send("GET /slow HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return !origin.seen().empty(); }));
  client.reset();
  const Json record = wait_for(log_path(), 1).at(0);
  EXPECT_EQ(record["status"], 499);
  EXPECT_EQ(record["failure"], "client_gone");
  EXPECT_EQ(record["endpoint"], origin.address().to_string());
}

TEST_F(AccessLog, ToStandardOutputIfAskedOnTheCommandLine) {
  Instance instance("app: {type: hello, workers: 1}", "",
                    {.arguments = {"--access-log", "combined"}});
  EXPECT_EQ(get(instance.web(), "/a?key=1").status, 200);
  EXPECT_TRUE(instance.process().prints("] \"GET /a?key=*** HTTP/1.1\" 200 "));
}

TEST_F(AccessLog, ARenamedFileLosesNoLine) {
  Instance instance("app: {type: hello, workers: 2}", "", options());
  std::atomic<bool> done = false;
  std::atomic<std::size_t> answered = 0;
  std::thread load([&] {
    for (Client client(instance.web()); !done;) {
      if (client.get("/").status == 200)
        ++answered;
      else
        client = Client(instance.web());
    }
  });
  for (int i = 1; i <= 5; ++i) {
    const std::size_t before = answered;
    EXPECT_TRUE(eventually([&] { return answered > before + 50; }));
    std::filesystem::rename(log_path(), log_path() + "." + std::to_string(i));
    instance.process().signal(SIGUSR1);
    // The new one is there before any of it is written, and then it is written to.
    EXPECT_TRUE(eventually([&] { return !content(log_path()).empty(); }));
  }
  done = true;
  load.join();
  EXPECT_EQ(instance.stop().code, 0);
  std::size_t lines = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory.path())) {
    for (const std::string& line : lines_of(content(file.path().string()))) {
      EXPECT_TRUE(parse_json(line)) << line;
      ++lines;
    }
  }
  EXPECT_EQ(lines, answered);
}

TEST_F(AccessLog, AFileThatCannotBeOpenedAgainIsSaidAndTheOldOneGoesOn) {
  const std::string folder = directory.path() + "/logs";
  std::filesystem::create_directory(folder);
  Instance instance("app: {type: hello, workers: 1}", "",
                    {.log = "access: {format: json, to: '" + folder + "/a'}"});
  std::filesystem::rename(folder, folder + ".old");
  instance.process().signal(SIGUSR1);
  EXPECT_TRUE(instance.process().prints("SIGUSR1: access log " + folder +
                                        "/a: No such file or directory; the access log goes on"));
  EXPECT_EQ(get(instance.web()).status, 200);
  wait_for(folder + ".old/a", 1);
}

TEST_F(AccessLog, AWorkerThatIsStartedLaterWritesToTheFileOfNow) {
  Instance instance("app: {type: hello, workers: 1}", "", options());
  EXPECT_EQ(get(instance.web()).status, 200);
  wait_for(log_path(), 1);
  std::filesystem::rename(log_path(), log_path() + ".1");
  instance.process().signal(SIGUSR1);
  EXPECT_TRUE(instance.process().prints("the access log goes on in " + log_path()));
  const pid_t first = instance.worker_pids(1).at(0);
  ::kill(first, SIGKILL);
  EXPECT_TRUE(eventually([&] {
    const pid_t now = instance.worker_pids(1).at(0);
    return now != 0 && now != first;
  }));
  EXPECT_EQ(get(instance.web()).status, 200);
  wait_for(log_path(), 1);
  EXPECT_EQ(lines_of(content(log_path() + ".1")).size(), 1U);
}

// The message lies unread in its channel while connections are taken back from behind it.
TEST_F(AccessLog, AWorkerThatStallsGetsTheNewFileWhenItGoesOn) {
  Instance instance(
      "app: {type: hello, workers: 2, liveness: {suspect: 60s, replace: 60s}, timeouts: {drain: "
      "1s}}",
      "", options());
  EXPECT_TRUE(instance.all_ready("app", 2));
  const std::vector<pid_t> pids = instance.worker_pids(2);
  ::kill(pids.at(0), SIGSTOP);
  std::filesystem::rename(log_path(), log_path() + ".1");
  instance.process().signal(SIGUSR1);
  EXPECT_TRUE(instance.process().prints("the access log goes on in " + log_path()));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(instance.web()).status, 200);
  EXPECT_TRUE(instance.metric_reaches(
      R"(roundhouse_handoffs_total{pool="app",worker="1",result="taken_back"})", 1));
  ::kill(pids.at(0), SIGCONT);
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(get(instance.web()).status, 200);
    return content(log_path()).find("\"worker\":1,") != std::string::npos;
  }));
  EXPECT_EQ(instance.worker_pids(2), pids);
  EXPECT_EQ(content(log_path() + ".1"), "");
}

TEST_F(AccessLog, ABlockedPipeIsNoMatterForRequests) {
  ASSERT_EQ(::mkfifo(log_path().c_str(), 0600), 0);
  const UniqueFd reader(::open(log_path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  Instance instance("app: {type: hello, workers: 2}", "", options());
  double answered = 0;
  Client client(instance.web());
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < 200; ++i, ++answered) {
      if (client.get("/").status != 200) client = Client(instance.web());
    }
    return counted(instance, 2, "dropped") > 0;
  }));
  EXPECT_TRUE(instance.process().prints("the access log has lost "));
  std::string text;
  const auto read_some = [&] {
    char bytes[65536];
    for (ssize_t n = 0; (n = ::read(reader.get(), bytes, sizeof bytes)) > 0;)
      text.append(bytes, static_cast<std::size_t>(n));
  };
  EXPECT_TRUE(eventually([&] {
    read_some();
    return counted(instance, 2, "lines") + counted(instance, 2, "dropped") >= answered;
  }));
  EXPECT_EQ(get(instance.web(), "/again").status, 200);
  EXPECT_TRUE(eventually([&] {
    read_some();
    return text.find("\"/again\"") != text.npos;
  }));
  for (const std::string& line : lines_of(text)) EXPECT_TRUE(parse_json(line)) << line;
}

TEST_F(AccessLog, AFullDiskIsNoMatterForRequests) {
  Instance instance("app: {type: hello, workers: 1}", "",
                    {.log = "access: {format: json, to: /dev/full}"});
  const std::string dropped = R"(roundhouse_access_log_dropped_total{pool="app",worker="1"})";
  Client client(instance.web());
  EXPECT_TRUE(eventually([&] {
    if (const Response response = client.get("/"); response.status != 200)
      client = Client(instance.web());
    return instance.metric(dropped) > 0;
  }));
  EXPECT_TRUE(instance.process().prints("No space left on device"));
  EXPECT_EQ(instance.metric(R"(roundhouse_access_log_lines_total{pool="app",worker="1"})"), 0);
}

void ask_often(const Address& web, int requests) {
  Client client(web);
  for (int i = 0; i < requests; ++i) {
    if (client.request("GET", "/" + std::string(500, 'a')).status != 200) client = Client(web);
  }
}

TEST_F(AccessLog, WorkersDoNotMixTheirLines) {
  ASSERT_EQ(::mkfifo((directory.path() + "/pipe").c_str(), 0600), 0);
  for (const std::string name : {"pipe", "file"}) {
    const std::string path = directory.path() + "/" + name;
    UniqueFd reader;
    if (name == "pipe") reader.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    Instance instance("app: {type: hello, workers: 4}", "",
                      {.log = "access: {format: json, to: '" + path + "'}"});
    std::vector<std::thread> clients;
    for (int i = 0; i < 8; ++i) clients.emplace_back([&] { ask_often(instance.web(), 200); });
    std::string text;
    EXPECT_TRUE(eventually([&] {
      char bytes[65536];
      for (ssize_t n = 0; reader && (n = ::read(reader.get(), bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<std::size_t>(n));
      return counted(instance, 4, "lines") + counted(instance, 4, "dropped") >= 1600 &&
             (!reader || text.ends_with("\n"));
    }));
    for (std::thread& client : clients) client.join();
    if (!reader) text = content(path);
    EXPECT_EQ(static_cast<double>(lines_of(text).size()), counted(instance, 4, "lines")) << name;
    for (const std::string& line : lines_of(text)) ASSERT_TRUE(parse_json(line)) << line;
  }
}

TEST_F(AccessLog, OneOfSoManyIsWrittenAndEveryFailure) {
  const Instance instance("app: {type: hello, workers: 1}", "", options(", sample: 10"));
  Client client(instance.web());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(client.get("/").status, 200);
  EXPECT_EQ(client.request("GET", "/", "Host: again\r\n").status, 400);
  EXPECT_EQ(wait_for(log_path(), 4).at(3)["failure"], "repeated_host");
}

TEST_F(AccessLog, APathThatCannotBeOpenedIsSaidBeforeAnythingIsServed) {
  Instance instance(
      "app: {type: hello, workers: 1}", "",
      {.log = "access: {format: json, to: '" + directory.path() + "/none/a'}", .wait = false});
  EXPECT_EQ(instance.process().wait().code, 71);
  EXPECT_EQ(instance.process().output(),
            "access log " + directory.path() + "/none/a: No such file or directory\n");
}

TEST_F(AccessLog, CheckTouchesNoFileAndItIsMadeForItsOwnerAndGroupAlone) {
  const std::string file = directory.write(
      "c.yaml", "listeners: {web: {bind: '127.0.0.1:0'}}\nlog: {access: {format: json, to: a}}\n");
  EXPECT_EQ(run({binary(), "check", "-c", file}).ended.code, 0);
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/a"));
  const Instance instance("app: {type: hello, workers: 1}", "", options());
  struct stat status{};
  ASSERT_EQ(::stat(log_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777 & ~0640U, 0U);
}

}  // namespace
}  // namespace roundhouse::test
