// One door per third-party library and per dangerous system call: the files that may go through it.
#include <gtest/gtest.h>

#include <regex>

#include "tidy/source_tree.h"

namespace roundhouse::tidy {
namespace {

struct Door {
  const char* name;
  const char* inside;   // the path of a file that may
  const char* pattern;  // what one finds in a file that does
  const char* sample;   // for example
};

void PrintTo(const Door& door, std::ostream* out) {
  *out << door.name;
}  // NOLINT: GoogleTest's name

const Door kHeaderDoors[] = {
    {"LibeventBelongsToNetAndTheMonitor", "src/(net|monitor)/.*", "event2/.*", "event2/http.h"},
    {"OpensslBelongsToTlsOfNet", "src/net/tls_.*", "openssl/.*", "openssl/ssl.h"},
    {"EvhttpBelongsToOneFile", "src/monitor/http_server\\.cc", "event2/(http|bufferevent).*",
     "event2/http.h"},
    {"CaresBelongsToOneFile", "src/monitor/dns_client\\.cc", "ares.*", "ares.h"},
    {"YamlBelongsToTheLoader", "src/config/loader.*", "yaml-cpp/.*", "yaml-cpp/yaml.h"},
    {"PrometheusBelongsToTheExporter", "src/metrics/exporter\\.cc", "prometheus/.*",
     "prometheus/registry.h"},
    {"SpdlogBelongsToTheLog", "src/base/log\\.cc", "(spdlog|fmt)/.*", "spdlog/spdlog.h"},
    {"JsonBelongsToBaseJson", "src/base/json.*", "nlohmann/.*", "nlohmann/json.hpp"},
    {"Cli11BelongsToTheCommandLine", "src/cli/.*", "CLI/.*", "CLI/CLI.hpp"},
    {"SocketsStayOutsideTheCodec", "src/(?!http/).*", "sys/(socket|epoll|un)\\.h|netinet/.*",
     "sys/socket.h"},
    {"EveryProcessOfOursHasOneThread", "", "(thread|future|mutex|pthread\\.h|condition_variable)",
     "thread"},
};

const Door kCodeDoors[] = {
    // The library has a function of that name: in these files only the system's own is looked for.
    {"ForkAndExecBelongToSpawn",
     "src/edge/spawn\\.cc|src/cluster/api\\.cc|src/cluster/public/roundhouse/cluster\\.h",
     R"(\b(v?fork|_Fork|clone3?|f?exec(l|le|lp|v|ve|vp|vpe|veat)|posix_spawnp?|system|popen)\s*\()",
     "  const int pid = vfork();"},
    {"TheSystemsForkBelongsToSpawnAlone", "src/edge/spawn\\.cc", R"((^|[^\w>])::v?fork\s*\()",
     "  const int pid = ::fork();"},
    {"DescriptorsArePassedByIpcAlone", "src/ipc/.*", R"(\b(SCM_RIGHTS|SCM_CREDENTIALS)\b)",
     "cmsg->cmsg_type = SCM_RIGHTS;"},
    {"TheCodecIsToldTheTime", "src/(?!http/).*", R"(\b(Clock::now|clock_gettime|gettimeofday)\b)",
     "const Time now = Clock::now();"},
    {"WeDoNotThrow", "", R"(\bthrow\b)", "throw 1;"},
    {"ThreadsAreNotStarted", "", R"(\b(pthread_create|std::j?thread|std::async)\b)",
     "std::jthread thread(run);"},
};

bool may(const Door& door, const SourceFile& file) {
  return !file.path.starts_with("src/") || std::regex_match(file.path, std::regex(door.inside));
}

std::regex include_of(const Door& door) {
  return std::regex(R"(^\s*#\s*include\s+[<"]()" + std::string(door.pattern) + R"()[>"])");
}

class HeaderDoor : public testing::TestWithParam<Door> {};

TEST_P(HeaderDoor, IsTheOnlyOne) {
  const std::regex include = include_of(GetParam());
  for (const SourceFile& file : cpp_files()) {
    if (may(GetParam(), file)) continue;
    for (const std::string& line : split_lines(file.text)) {
      EXPECT_FALSE(std::regex_search(line, include)) << file.path << ": " << line;
    }
  }
}

TEST_P(HeaderDoor, WouldBeSeen) {
  const std::string line = "#include <" + std::string(GetParam().sample) + ">";
  EXPECT_TRUE(std::regex_search(line, include_of(GetParam())));
}

class CodeDoor : public testing::TestWithParam<Door> {};

TEST_P(CodeDoor, IsTheOnlyOne) {
  const std::regex pattern(GetParam().pattern);
  for (const SourceFile& file : cpp_files()) {
    if (may(GetParam(), file)) continue;
    const std::vector<std::string> lines = split_lines(file.code);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(lines[i], pattern))
          << file.path << ":" << i + 1 << ": " << lines[i];
    }
  }
}

TEST_P(CodeDoor, WouldBeSeen) {
  EXPECT_TRUE(std::regex_search(GetParam().sample, std::regex(GetParam().pattern)));
}

std::string name_of(const testing::TestParamInfo<Door>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(House, HeaderDoor, testing::ValuesIn(kHeaderDoors), name_of);
INSTANTIATE_TEST_SUITE_P(House, CodeDoor, testing::ValuesIn(kCodeDoors), name_of);

}  // namespace
}  // namespace roundhouse::tidy
