// The access log: a line for each request, and what it says.
#include "access_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "support/proxied.h"

namespace roundhouse::test {
namespace {

class AccessLog : public WithAccessLog {};

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
  const Instance instance("app: {type: proxy, workers: 1}", upstream_of({&origin}), options());
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
  const Instance instance("app: {type: proxy, workers: 1}", upstream_of({&origin}), options());
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

TEST_F(AccessLog, KnowsTheRouteOfWhatNoUpstreamAnswersAndTheClientBehindATrustedProxy) {
  const Instance instance(
      "app: {type: proxy, workers: 1}",
      "routes:\n"
      "  - {name: old, path: /old, redirect: {to: /new}}\n"
      "  - {name: shut, path: /shut, respond: {status: 200}, allow: [10.0.0.1]}\n"
      "  - {name: small, path: /small, respond: {status: 200}, body: 1}\n"
      "trusted_proxies: [127.0.0.1]\n",
      options());
  Client client(instance.web());
  EXPECT_EQ(client.request("GET", "/old", "X-Forwarded-For: 192.0.2.7\r\n").status, 308);
  EXPECT_EQ(client.get("/shut").status, 403);
  EXPECT_EQ(client.get("/none").status, 404);
  EXPECT_EQ(client.request("POST", "/small", "", "12").status, 413);
  const std::vector<Json> records = wait_for(log_path(), 4);
  EXPECT_EQ(records.at(0)["route"], "old");
  EXPECT_EQ(records.at(0)["upstream"], "");
  EXPECT_EQ(records.at(0)["client"], "192.0.2.7");
  EXPECT_TRUE(records.at(0)["peer"].get<std::string>().starts_with("127.0.0.1:"));
  EXPECT_TRUE(records.at(0)["upstream_duration"].is_null());
  EXPECT_EQ(records.at(1)["route"], "shut");
  EXPECT_EQ(records.at(1)["failure"], "not_allowed");
  EXPECT_EQ(records.at(2)["route"], "");
  EXPECT_EQ(records.at(2)["failure"], "no_route");
  EXPECT_EQ(records.at(3)["route"], "small");
  EXPECT_EQ(records.at(3)["failure"], "body_too_long");
}

TEST_F(AccessLog, ATunnelIsALineAtItsEnd) {
  const Origin origin([](const Origin::Seen&) {
    return Origin::Reply{.bytes =
                             "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                             "Upgrade: websocket\r\n\r\n",
                         .then = Origin::Then::kEcho};
  });
  const Instance instance("app: {type: proxy, workers: 1}", upstream_of({&origin}), options());
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
  const Instance instance("app: {type: proxy, workers: 1}", upstream_of({&origin}), options());
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

TEST_F(AccessLog, OneOfSoManyIsWrittenAndEveryFailure) {
  const Instance instance("app: {type: hello, workers: 1}", "", options(", sample: 10"));
  Client client(instance.web());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(client.get("/").status, 200);
  EXPECT_EQ(client.request("GET", "/", "Host: again\r\n").status, 400);
  EXPECT_EQ(wait_for(log_path(), 4).at(3)["failure"], "repeated_host");
}

}  // namespace
}  // namespace roundhouse::test
