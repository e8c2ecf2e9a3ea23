// The library as somebody else uses it: installed, found by CMake or pkg-config, built against,
// run.
#include <csignal>

#include "library/cluster_program.h"

namespace roundhouse::test {
namespace {

const char kProject[] = R"(cmake_minimum_required(VERSION 3.25)
project(stranger LANGUAGES CXX)
set(CMAKE_CXX_STANDARD 23)
find_package(RoundhouseCluster 0.1 REQUIRED)
add_executable(shared echo_cluster.cc)
target_link_libraries(shared PRIVATE Roundhouse::cluster)
add_executable(static hello_cluster.cc)
target_link_libraries(static PRIVATE Roundhouse::cluster_static)
)";

std::string slurp(const std::string& command) {
  const Finished finished = run({"/bin/sh", "-c", command});
  EXPECT_EQ(finished.ended.code, 0) << command << "\n" << finished.output;
  return finished.output;
}

class LibraryPackage : public testing::Test {
 protected:
  void SetUp() override {
    slurp(std::string("cmake --install ") + BUILD_DIRECTORY + " --component library --prefix " +
          prefix_);
    for (const char* example : {"hello_cluster.cc", "echo_cluster.cc"})
      slurp(std::string("cp ") + EXAMPLES + "/" + example + " " + folder_.path());
    // The example's port may be in use here.
    slurp("sed -i 's/listen(8000)/listen(\"unix:hello.sock\")/' " + folder_.path() +
          "/hello_cluster.cc");
  }

  void expect_hello(const std::string& program) const {
    Process::Options options;
    options.cwd = folder_.path();
    options.environment = {"LD_LIBRARY_PATH=" + prefix_ + "/" + LIBRARY_DIRECTORY};
    Process hello({program}, options);
    ASSERT_TRUE(hello.prints(" is online")) << hello.output();
    ASSERT_TRUE(hello.prints("Child cluster 1")) << hello.output();
    const Address address =
        Address::parse("unix:" + folder_.path() + "/hello.sock").value_or(Address());
    EXPECT_EQ(get(address).body, "hello world\n");
    hello.signal(SIGTERM);
    EXPECT_EQ(hello.wait().signal, SIGTERM);
  }

  TemporaryDirectory folder_;
  std::string prefix_ = folder_.path() + "/prefix";
};

TEST_F(LibraryPackage, IsFoundByCMakeSharedAndStatic) {
  folder_.write("CMakeLists.txt", kProject);
  const std::string build = folder_.path() + "/build";
  slurp("cmake -S " + folder_.path() + " -B " + build + " -DCMAKE_PREFIX_PATH=" + prefix_ +
        " -DCMAKE_CXX_FLAGS='" + LIBRARY_FLAGS + "' && cmake --build " + build);
  expect_hello(build + "/static");
  Process::Options options;
  options.cwd = folder_.path();
  Process echo({build + "/shared", "unix:echo.sock"}, options);
  const Address address =
      Address::parse("unix:" + folder_.path() + "/echo.sock").value_or(Address());
  std::string reply(5, '\0');
  ASSERT_TRUE(eventually([&] { return Client(address).connected(); })) << echo.output();
  Client client(address);
  client.send("hello");
  EXPECT_EQ(::recv(client.fd(), reply.data(), reply.size(), MSG_WAITALL), 5);
  EXPECT_EQ(reply, "hello");
}

TEST_F(LibraryPackage, IsFoundByPkgConfigSharedAndStatic) {
  const std::string config = "PKG_CONFIG_PATH=" + prefix_ + "/" + LIBRARY_DIRECTORY + "/pkgconfig";
  const std::string compile = std::string("cd ") + folder_.path() +
                              " && g++ -std=c++23 -Wall -Wextra " + "-Werror " + LIBRARY_FLAGS +
                              " hello_cluster.cc ";
  slurp(compile + "$(" + config + " pkg-config --cflags --libs roundhouse-cluster) -o hello");
  expect_hello(folder_.path() + "/hello");
  slurp("rm " + prefix_ + "/" + LIBRARY_DIRECTORY + "/*.so*");
  slurp(compile + "$(" + config +
        " pkg-config --static --cflags --libs roundhouse-cluster) -o hello");
  expect_hello(folder_.path() + "/hello");
}

// Whoever includes them gets nothing else of ours, and no library's.
TEST_F(LibraryPackage, HeadersNeedTheStandardLibraryAlone) {
  const std::string used =
      slurp("cd " + folder_.path() + " && g++ -std=c++23 -M -I " + prefix_ +
            "/include hello_cluster.cc | tr ' ' '\\n' | grep -v '^/usr/include/c++' | "
            "grep -E '/(event|spdlog|fmt|src)' || true");
  EXPECT_EQ(used, "");
}

}  // namespace
}  // namespace roundhouse::test
