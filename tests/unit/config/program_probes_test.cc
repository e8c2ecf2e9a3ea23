#include "config/program_probes.h"

#include <gtest/gtest.h>

#include <string>

#include "world.h"

namespace roundhouse::config {
namespace {

Pool app_of(const std::string& more, const std::string& command = "./app") {
  const auto loaded = load("pools: {app: {command: " + command + ", " + more + "}}");
  EXPECT_TRUE(loaded) << loaded.error().message;
  return loaded ? *loaded->configuration.find_pool("app") : Pool();
}

TEST(ProgramProbes, APathIsWhatAProgramIsReadyBy) {
  const Pool app = app_of("ready: {path: /up}, liveness: {path: /well}");
  EXPECT_EQ(app.ready.by, ReadyBy::kHttp);
  EXPECT_EQ(app.ready.path, "/up");
  EXPECT_TRUE(asks(app));
  EXPECT_EQ(app_of("ready: {by: http}").ready.path, "/");
  EXPECT_EQ(app_of("liveness: {path: /well}").ready.by, ReadyBy::kConnect);
  EXPECT_FALSE(asks(app_of("workers: 1")));
}

TEST(ProgramProbes, AProxiedProgramWithASocketOfItsOwnCanBeAsked) {
  const auto loaded = load(
      "listeners: {web: {via: proxy}}\npools: {app: {command: gunicorn a:b, ready: {by: "
      "http}, liveness: {path: /, interval: 1s, timeout: 1s, failures: 1}}}");
  EXPECT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(errors_of("upstreams: {site: {pool: app}}\npools: {app: {command: node x, liveness: "
                      "{path: /well}}}"),
            "");
}

struct Case {
  const char* pool;  // what stands in the pool `app`
  const char* error;
};

const Case kCases[] = {
    {"command: gunicorn a:b, liveness: {path: /well}",
     "pools.app.liveness.path: asks each worker at a private socket of its own, and no proxies "
     "forward to pool app; expected `via: proxy` at its listener, or no such key"},
    {"command: gunicorn a:b, ready: {path: /up}",
     "pools.app.ready.by: asks each worker at a private socket of its own, and no proxies forward "
     "to pool app; expected `via: proxy` at its listener, or no such key"},
    {"command: ./a, liveness: {path: well}",
     "pools.app.liveness.path: 'well' is not a path; expected one that begins with /, escapes for "
     "what is not printable ASCII"},
    {"command: ./a, ready: {by: http, path: 'a b'}",
     "pools.app.ready.path: 'a b' is not a path; expected one that begins with /, escapes for what "
     "is not printable ASCII"},
    {"command: ./a, ready: {by: connect, path: /up}",
     "pools.app.ready.path: is for `by: http`; expected that, or no path"},
    {"command: node x, liveness: {path: /}",
     "pools.app.liveness.path: asks each worker at a private socket of its own, and no proxies "
     "forward to pool app; expected `via: proxy` at its listener, or no such key"},
    {"command: node x, ready: {path: /}",
     "pools.app.ready.path: is nothing that a program of type node can do; expected no such key"},
    {"type: hello, liveness: {path: /}",
     "pools.app.liveness.path: is for programs, and this pool is of type hello; expected "
     "`command` without this type, or no such key"},
    {"command: ./a, liveness: {path: /, failures: 0}",
     "pools.app.liveness.failures: '0' is out of range; expected a number from 1 to 100"}};

class ProgramProbe : public testing::TestWithParam<Case> {};

TEST_P(ProgramProbe, IsChecked) {
  const std::string errors = errors_of("pools: {app: {" + std::string(GetParam().pool) + "}}");
  EXPECT_NE(errors.find(GetParam().error), std::string::npos) << errors;
}

INSTANTIATE_TEST_SUITE_P(ProgramProbes, ProgramProbe, testing::ValuesIn(kCases));

}  // namespace
}  // namespace roundhouse::config
