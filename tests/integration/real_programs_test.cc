// Programs as people have them: the examples of the native protocol, and servers that know systemd.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <string>

#include "support/instance.h"

namespace roundhouse::test {
namespace {

// A folder that the workers' user can enter, with a copy of the example in it.
std::string copied(const TemporaryDirectory& directory, const std::string& file) {
  ::chmod(directory.path().c_str(), 0755);
  const std::string copy = directory.path() + "/" + std::filesystem::path(file).filename().string();
  std::filesystem::copy_file(file, copy, std::filesystem::copy_options::overwrite_existing);
  return copy;
}

std::set<std::string> answers(const Instance& instance, int requests) {
  std::set<std::string> seen;
  for (int i = 0; i < requests; ++i) seen.insert(get(instance.web()).body);
  return seen;
}

TEST(NativeExamples, TheWorkerInCServesAndEndsWhenItIsAsked) {
  const TemporaryDirectory directory;
  Instance instance("app: {type: native, workers: 2, command: " + copied(directory, NATIVE_WORKER) +
                    "}");
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(answers(instance, 4),
            (std::set<std::string>{"hello from C worker 1\n", "hello from C worker 2\n"}));
  EXPECT_TRUE(
      instance.metric_reaches(R"(roundhouse_worker_requests_total{pool="app",worker="1"})", 2));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(instance.process().prints("stopped: exit code 0"));
}

TEST(NativeExamples, TheWorkerInPythonServesAndEndsWhenItIsAsked) {
  const TemporaryDirectory directory;
  copied(directory, EXAMPLES "/native/roundhouse_native.py");
  Instance instance("app: {type: native, workers: 2, command: /usr/bin/python3 " +
                    copied(directory, EXAMPLES "/native/native_worker.py") + "}");
  ASSERT_TRUE(instance.all_ready("app", 2));
  EXPECT_EQ(answers(instance, 4), (std::set<std::string>{"hello from Python worker 1\n",
                                                         "hello from Python worker 2\n"}));
  EXPECT_EQ(instance.stop().code, 0);
  EXPECT_TRUE(instance.process().prints("stopped: exit code 0"));
}

constexpr const char* kWsgi =
    "import os\n"
    "def app(environ, start_response):\n"
    "    body = ('gunicorn ' + os.environ['ROUNDHOUSE_WORKER_ID']).encode()\n"
    "    start_response('200 OK', [('Content-Length', str(len(body)))])\n"
    "    return [body]\n";

TEST(Gunicorn, TakesItsSocketsAndSaysThatItIsReady) {
  const TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  directory.write("wsgi.py", kWsgi);
  Instance instance("app: {command: /usr/bin/gunicorn wsgi:app, cwd: " + directory.path() +
                    ", workers: 2, ready: {by: notify}}");
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  EXPECT_TRUE(get(instance.web()).body.starts_with("gunicorn "));
  EXPECT_EQ(instance.stop().code, 0);
}

TEST(Gunicorn, IsServedByProxiesWithoutAChange) {
  const TemporaryDirectory directory;
  ::chmod(directory.path().c_str(), 0755);
  directory.write("wsgi.py", kWsgi);
  Instance instance("app: {command: /usr/bin/gunicorn wsgi:app, cwd: " + directory.path() +
                        ", workers: 2, ready: {by: notify}}",
                    "", {.arguments = {}, .listener = "limits: {body: 1KiB}"});
  ASSERT_TRUE(instance.all_ready("app", 2)) << instance.process().output();
  EXPECT_EQ(answers(instance, 30), (std::set<std::string>{"gunicorn 1", "gunicorn 2"}));
  EXPECT_EQ(instance.stop().code, 0);
}

}  // namespace
}  // namespace roundhouse::test
