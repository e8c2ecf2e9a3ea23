// A browser that looks at the dashboard, driven by dashboard.js. Its screenshots are left in
// $SCREENSHOTS, if that is set.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>

#include "support/instance.h"
#include "support/process.h"

namespace roundhouse::test {
namespace {

constexpr std::chrono::seconds kBrowserPatience{120};

class DashboardPage : public testing::Test {
 protected:
  static std::string url(const Address& address) { return "http://" + address.to_string(); }

  // The last word on each thing that was looked at.
  std::map<std::string, std::string> seen(Process& browser) {
    std::map<std::string, std::string> all;
    std::istringstream lines(browser.output());
    for (std::string what, value; lines >> what && std::getline(lines >> std::ws, value);)
      all[what] = value;
    return all;
  }

  Instance instance_{"app: {type: hello, workers: 2}"};
  TemporaryDirectory temporary_;
  std::string folder_ =
      std::getenv("SCREENSHOTS") != nullptr ? std::getenv("SCREENSHOTS") : temporary_.path();
};

TEST_F(DashboardPage, ShowsWhatHappensAsItHappensInEverySizeAndLight) {
  Process browser({"node", BROWSER_FOLDER "/dashboard.js", url(instance_.monitor()),
                   url(instance_.web()), folder_});
  ASSERT_TRUE(browser.prints("reload now\n", kBrowserPatience)) << browser.output();
  instance_.process().signal(SIGHUP);
  ASSERT_TRUE(browser.prints("over true\n", kBrowserPatience)) << browser.output();
  auto seen = this->seen(browser);
  for (const char* what :
       {"workers", "state", "accepted", "charts", "exit", "event", "crashing", "announced",
        "configuration", "again", "tables", "overflow-1280-light", "overflow-1280-dark",
        "overflow-360-light", "overflow-360-dark", "slow-1280-light", "slow-360-dark"})
    EXPECT_EQ(seen[what], "true") << what << "\n" << browser.output();
  EXPECT_EQ(seen["skip"], "skip");
  EXPECT_EQ(seen["reached"], "fine only-trouble events SUMMARY /metrics");
  EXPECT_NE(seen["outline"], "none");
  for (const char* page : {"complaints", "complaints-1280-light", "complaints-1280-dark",
                           "complaints-360-light", "complaints-360-dark"})
    EXPECT_EQ(seen[page], "[]");
  EXPECT_EQ(seen["outside"], "0") << "nothing is asked of anybody else";
  EXPECT_NE(seen["background-360-light"], seen["background-360-dark"]);
}

}  // namespace
}  // namespace roundhouse::test
