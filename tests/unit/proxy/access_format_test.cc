#include "proxy/access_format.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/json.h"

namespace roundhouse::proxy {
namespace {

using config::AccessField;
using config::AccessFormat;

const std::string kAt = "2026-11-25T22:16:13.123Z";

struct Example {
  Example() {
    info.id = 7;
    info.peer_family = AF_INET;
    info.peer_host[0] = 10;
    info.peer_host[3] = 9;
    info.peer_port = 4321;
    record.connection = &info;
    record.listener = "web";
    record.method = "GET";
    record.host = "example.com";
    record.target = "/a?b=c&token=t";
    record.path = "/a";
    record.protocol = "HTTP/1.1";
    record.status = 502;
    record.request_bytes = 1;
    record.response_bytes = 23;
    record.duration = std::chrono::milliseconds(45);
    record.connection_requests = 3;
    record.route = "all";
    record.upstream = "site";
    record.endpoint = "10.0.0.1:80";
    record.upstream_duration = std::chrono::milliseconds(44);
    record.tries = 2;
    record.failure = http::Failure::kConnectFailed;
    record.user_agent = "curl/8 \"x\"";
    record.referer = "http://e/?code=1";
    record.request_id = "id-1";
    record.tls = &tls;
  }
  ipc::ConnectionInfo info{};
  TlsFacts tls{.version = "TLSv1.3",
               .cipher = "TLS_AES_128_GCM_SHA256",
               .server_name = "example.com",
               .protocol = "http/1.1",
               .client = "CN=alice"};
  AccessRecord record;
};

std::string line_of(const AccessRecord& record, AccessFormat format,
                    std::vector<AccessField> fields = {}, const std::string& time = kAt) {
  const AccessFormatter formatter({.format = format, .fields = std::move(fields)}, "app", 2);
  std::vector<char> out(AccessFormatter::kLineMax);
  return {out.data(), formatter.write(record, time, out)};
}

TEST(AccessFormat, JsonHoldsAllFieldsInTheirOrder) {
  const Example example;
  EXPECT_EQ(line_of(example.record, AccessFormat::kJson),
            R"({"time":"2026-11-25T22:16:13.123Z","pool":"app","worker":2,"listener":"web",)"
            R"("route":"all","client":"10.0.0.9","peer":"10.0.0.9:4321","method":"GET",)"
            R"("host":"example.com","target":"/a?b=c&token=***","path":"/a",)"
            R"("protocol":"HTTP/1.1","status":502,"request_bytes":1,"response_bytes":23,)"
            R"("duration":0.045,"upstream":"site","endpoint":"10.0.0.1:80",)"
            R"("upstream_duration":0.044,"tries":2,"failure":"connect_failed",)"
            R"("user_agent":"curl/8 \"x\"","referer":"http://e/?code=***",)"
            R"("request_id":"id-1","connection":7,"connection_requests":3,)"
            R"("tls_version":"TLSv1.3","tls_cipher":"TLS_AES_128_GCM_SHA256",)"
            R"("tls_server_name":"example.com","tls_protocol":"http/1.1",)"
            R"("tls_client":"CN=alice"})"
            "\n");
}

TEST(AccessFormat, LogfmtQuotesWhatIsNotPlain) {
  const Example example;
  EXPECT_EQ(line_of(example.record, AccessFormat::kLogfmt),
            "time=2026-11-25T22:16:13.123Z pool=app worker=2 listener=web route=all "
            "client=10.0.0.9 peer=10.0.0.9:4321 method=GET host=example.com "
            "target=\"/a?b=c&token=***\" path=/a protocol=HTTP/1.1 status=502 request_bytes=1 "
            "response_bytes=23 duration=0.045 upstream=site endpoint=10.0.0.1:80 "
            "upstream_duration=0.044 tries=2 failure=connect_failed "
            "user_agent=\"curl/8 \\\"x\\\"\" referer=\"http://e/?code=***\" request_id=id-1 "
            "connection=7 connection_requests=3 tls_version=TLSv1.3 "
            "tls_cipher=TLS_AES_128_GCM_SHA256 tls_server_name=example.com "
            "tls_protocol=http/1.1 tls_client=\"CN=alice\"\n");
}

TEST(AccessFormat, CombinedIsThatOfApacheAndNginx) {
  const Example example;
  EXPECT_EQ(line_of(example.record, AccessFormat::kCombined, {}, "25/Nov/2026:22:16:13 +0000"),
            "10.0.0.9 - - [25/Nov/2026:22:16:13 +0000] \"GET /a?b=c&token=*** HTTP/1.1\" 502 23 "
            "\"http://e/?code=***\" \"curl/8 \\x22x\\x22\"\n");
}

TEST(AccessFormat, WhatIsNotKnownIsEmpty) {
  Example example;
  AccessRecord nothing;
  nothing.connection = &example.info;
  EXPECT_EQ(line_of(nothing, AccessFormat::kJson,
                    {AccessField::kMethod, AccessField::kFailure, AccessField::kUpstreamDuration}),
            "{\"method\":\"\",\"failure\":\"\",\"upstream_duration\":null}\n");
  EXPECT_EQ(line_of(nothing, AccessFormat::kLogfmt,
                    {AccessField::kMethod, AccessField::kUpstreamDuration}),
            "method=\"\" upstream_duration=\"\"\n");
  EXPECT_EQ(line_of(nothing, AccessFormat::kCombined, {}, "T"),
            "10.0.0.9 - - [T] \"-\" 0 0 \"-\" \"-\"\n");
}

TEST(AccessFormat, OnlyTheChosenFieldsAreWrittenAndLookedUp) {
  const Example example;
  const std::vector<AccessField> fields = {AccessField::kStatus, AccessField::kPath};
  EXPECT_EQ(line_of(example.record, AccessFormat::kJson, fields),
            "{\"status\":502,\"path\":\"/a\"}\n");
  EXPECT_EQ(line_of(example.record, AccessFormat::kLogfmt, fields), "status=502 path=/a\n");
  const AccessFormatter formatter({.format = AccessFormat::kJson, .fields = fields}, "", 1);
  EXPECT_TRUE(formatter.wants(AccessField::kPath));
  EXPECT_FALSE(formatter.wants(AccessField::kUserAgent));
}

TEST(AccessFormat, TheClientIsWhoTheHandlerBelievesItIs) {
  Example example;
  example.record.client = "192.0.2.1";
  EXPECT_EQ(
      line_of(example.record, AccessFormat::kLogfmt, {AccessField::kClient, AccessField::kPeer}),
      "client=192.0.2.1 peer=10.0.0.9:4321\n");
  example.info.peer_family = AF_UNIX;
  example.record.client.clear();
  EXPECT_EQ(
      line_of(example.record, AccessFormat::kLogfmt, {AccessField::kClient, AccessField::kPeer}),
      "client=unix peer=unix\n");
}

// Each text of a peer as long as it may be, and longer, of each byte.
TEST(AccessFormat, ALineIsOneLineBelowPipeBufWhateverItHolds) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(70'000, static_cast<char>(byte));
    Example example;
    AccessRecord& record = example.record;
    example.info.id = record.request_bytes = record.response_bytes = UINT64_MAX;
    record.tries = record.connection_requests = UINT32_MAX;
    record.duration = Duration::max();
    record.upstream_duration = Duration::max();
    example.tls = {
        .version = text, .cipher = text, .server_name = text, .protocol = text, .client = text};
    record.method = record.host = record.target = record.path = record.protocol = text;
    record.user_agent = record.referer = record.listener = record.route = record.upstream = text;
    record.client = record.request_id = record.endpoint = text;
    for (const auto format :
         {AccessFormat::kJson, AccessFormat::kLogfmt, AccessFormat::kCombined}) {
      const std::string line = line_of(record, format);
      EXPECT_LT(line.size(), 4096U);
      EXPECT_EQ(std::ranges::count(line, '\n'), 1);
      EXPECT_EQ(line.back(), '\n');
      for (const char c : line.substr(0, line.size() - 1)) ASSERT_TRUE(c >= ' ' && c < 0x7f);
      if (format == AccessFormat::kJson) {
        EXPECT_TRUE(parse_json(line)) << line;
      }
    }
  }
}

TEST(AccessFormat, TheTimeIsThatOfUtcWithMilliseconds) {
  AccessTime time;
  time.set(1795644973.1239, AccessFormat::kJson);
  EXPECT_EQ(time.text(), "2026-11-25T22:16:13.123Z");
  time.set(1795644973.999, AccessFormat::kJson);
  EXPECT_EQ(time.text().substr(17), "13.999Z");
  time.set(1795644974.0, AccessFormat::kJson);
  EXPECT_EQ(time.text().substr(17), "14.000Z");
  AccessTime combined;
  combined.set(1795644973.1239, AccessFormat::kCombined);
  EXPECT_EQ(combined.text(), "25/Nov/2026:22:16:13 +0000");
}

}  // namespace
}  // namespace roundhouse::proxy
