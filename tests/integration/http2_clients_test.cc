// HTTP/2 clients that people use, before a Node server that knows nothing of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/certificate_files.h"
#include "support/instance.h"
#include "support/process.h"
#include "support/proxied.h"

namespace roundhouse::test {
namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

// Its parameter: under TLS or not.
class Http2Clients : public testing::TestWithParam<bool> {
 protected:
  Http2Clients() : node_({"node", REAL_PEERS "/origin.js"}) {
    EXPECT_TRUE(node_.prints(".\n")) << node_.output();
    const std::string printed = node_.output();
    const std::string port = printed.substr(5, printed.find('.') - 5);
    instance_ =
        std::make_unique<Instance>(kTwoProxies, upstream_at({*Address::parse("127.0.0.1:" + port)}),
                                   Instance::Options{.listener = GetParam() ? files_.tls() : ""});
  }

  std::string url(const std::string& path) const {
    return (GetParam() ? "https://" : "http://") + instance_->web().to_string() + path;
  }
  std::string curl(const std::string& path, std::vector<std::string> arguments = {}) const {
    std::vector<std::string> command{"curl", "-sSk", "--max-time", "30",
                                     GetParam() ? "--http2" : "--http2-prior-knowledge"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    command.push_back(url(path));
    const Finished finished = run(command);
    EXPECT_EQ(finished.ended.code, 0) << finished.output;
    return finished.output;
  }
  const Instance& instance() const { return *instance_; }

 private:
  CertificateFiles files_{make_certificate({.names = {"127.0.0.1"}})};
  Process node_;
  std::unique_ptr<Instance> instance_;
};

INSTANTIATE_TEST_SUITE_P(Over, Http2Clients, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "PlainText"; });

TEST_P(Http2Clients, CurlDownAndUp) {
  EXPECT_TRUE(curl("/hello", {"-i"}).starts_with("HTTP/2 200"));
  EXPECT_EQ(curl("/large", {"-w", "%{http_version} %{size_download}", "-o", "/dev/null"}),
            "2 2000000");
  const TemporaryDirectory folder;
  const std::string file = folder.write("upload", std::string(3'000'000, 'u'));
  EXPECT_EQ(curl("/count", {"-T", file}), "3000000");
  EXPECT_EQ(curl("/count", {"-H", "Content-Length:", "-X", "POST", "-T", file}), "3000000");
}

TEST_P(Http2Clients, NodeInParallelWithTrailers) {
  const Finished finished = run({"node", REAL_PEERS "/http2_client.js", url("")});
  ASSERT_EQ(finished.ended.code, 0) << finished.output;
  const Json said = parse_json(finished.output).value_or(Json::object());
  EXPECT_EQ(said["protocol"], GetParam() ? "h2" : "h2c");
  EXPECT_EQ(said["statuses"].dump(), "[200]");
  EXPECT_EQ(said["hello"], "hello from node");
  EXPECT_EQ(said["large"], 2'000'000);
  EXPECT_EQ(said["upload"], "3000000");
  EXPECT_EQ(said["trailers"]["x-sum"], "1000");
}

TEST_P(Http2Clients, Nghttp) {
  const Finished finished = run({"nghttp", "-v", "--no-verify-peer", url("/hello")});
  EXPECT_EQ(finished.ended.code, 0) << finished.output;
  EXPECT_TRUE(holds(finished.output, ":status: 200")) << finished.output;
  EXPECT_TRUE(holds(finished.output, "hello from node")) << finished.output;
  EXPECT_FALSE(holds(finished.output, "PROTOCOL_ERROR")) << finished.output;
}

TEST_P(Http2Clients, H2loadLosesNothing) {
  const Finished finished = run({"h2load", "-n", "10000", "-c", "10", "-m", "50", url("/hello")});
  EXPECT_EQ(finished.ended.code, 0) << finished.output;
  EXPECT_TRUE(holds(finished.output, "10000 succeeded, 0 failed, 0 errored, 0 timeout"))
      << finished.output;
  EXPECT_TRUE(holds(finished.output, "status codes: 10000 2xx")) << finished.output;
}

}  // namespace
}  // namespace roundhouse::test
