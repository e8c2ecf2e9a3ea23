// A browser as the client of the reverse proxy, with a Node server behind it. Not a part of ./dev
// test, since Chromium is large: ./dev browser, as is dashboard_test.cc.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/certificate_files.h"
#include "support/instance.h"
#include "support/process.h"

namespace roundhouse::test {
namespace {

constexpr std::chrono::seconds kBrowserPatience{90};

std::vector<std::string> chromium(const std::string& profile, const std::string& url) {
  return {"chromium-headless-shell",
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--no-first-run",
          "--no-proxy-server",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
          "--disable-dev-shm-usage",
          "--ignore-certificate-errors",
          "--remote-debugging-port=0",  // without it the shell ends when the page is loaded
          "--user-data-dir=" + profile,
          url};
}

// Its parameter: under TLS or not.
class Browser : public testing::TestWithParam<bool> {
 protected:
  Browser() : origin_({"node", BROWSER_FOLDER "/origin.js"}) {
    EXPECT_TRUE(origin_.prints(".\n")) << origin_.output();
    const std::string printed = origin_.output();
    const std::string port = printed.substr(5, printed.find('.') - 5);
    instance_ = std::make_unique<Instance>(
        "gateway: {type: proxy, workers: 2}", "upstreams: {site: '127.0.0.1:" + port + "'}\n",
        Instance::Options{.listener = GetParam() ? files_.tls() : ""});
  }

  // What the page reported when it was loaded for this time.
  std::map<std::string, std::string> report(int load) {
    const std::string begin = "report {\"load\":" + std::to_string(load) + ",";
    EXPECT_TRUE(origin_.prints(begin, kBrowserPatience)) << origin_.output();
    EXPECT_TRUE(eventually([&] {
      const std::string output = origin_.output();
      const std::size_t at = output.find(begin);
      return at != output.npos && output.find('\n', at) != output.npos;
    }));
    const std::string output = origin_.output();
    const std::size_t at = output.find(begin) + 7;
    const Json json =
        parse_json(output.substr(at, output.find('\n', at) - at)).value_or(Json::object());
    std::map<std::string, std::string> results;
    for (const auto& [key, value] : json.items())
      if (value.is_string()) results[key] = value.get<std::string>();
    return results;
  }

  CertificateFiles files_{make_certificate({.names = {"127.0.0.1"}})};
  Process origin_;
  std::unique_ptr<Instance> instance_;
  TemporaryDirectory profile_;
};

INSTANTIATE_TEST_SUITE_P(Over, Browser, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "PlainText"; });

TEST_P(Browser, UsesWebSocketsAndEventStreamsThroughTheProxyAndReloads) {
  Process browser(
      chromium(profile_.path() + "/profile",
               (GetParam() ? "https://" : "http://") + instance_->web().to_string() + "/page"));
  const std::map<std::string, std::string> wanted = {{"version", GetParam() ? "h2" : "http/1.1"},
                                                     {"text", "welcome, grüße ✓"},
                                                     {"binary", "same"},
                                                     {"protocol", "chat.2"},
                                                     {"closedByPage", "4001 bye true"},
                                                     {"closedByServer", "4002 enough true"},
                                                     {"cut", "1006  false"},
                                                     {"events", "first, second, again after 2"}};
  EXPECT_EQ(report(1), wanted) << browser.output();
  EXPECT_EQ(report(2), wanted) << "after a reload";
  EXPECT_TRUE(origin_.prints("closed 4001 bye.")) << "the page's code and reason";
  EXPECT_TRUE(origin_.prints("closed 4002 enough.")) << "and its answer to the server's";
  EXPECT_TRUE(origin_.prints("closed 1001 .")) << "the reload, which leaves a socket";
  EXPECT_EQ(instance_->metric(R"(roundhouse_http_requests_total{route="site",code="502"})"), -1);
}

}  // namespace
}  // namespace roundhouse::test
