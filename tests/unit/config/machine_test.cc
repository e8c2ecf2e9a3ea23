// What a configuration takes from the machine: CPUs, files, folders and sockets.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/address.h"
#include "config/control_socket.h"
#include "config/cpu_count.h"
#include "config/locate.h"
#include "world.h"

namespace roundhouse::config {
namespace {

namespace fs = std::filesystem;

class Machine : public testing::Test {
 protected:
  Machine() {
    std::string pattern = testing::TempDir() + "rh-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~Machine() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& content) const {
    const fs::path full = root_ + path;
    fs::create_directories(full.parent_path());
    std::ofstream(full) << content;
  }
  // A socket that somebody listens on, until the descriptor is closed.
  static UniqueFd listen_on(const std::string& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address address = Address::parse("unix:" + path).value();
    EXPECT_EQ(::bind(fd.get(), address.data(), address.size()), 0) << path;
    EXPECT_EQ(::listen(fd.get(), 8), 0);
    return fd;
  }

  std::string root_;
};

using CpuCount = Machine;

TEST_F(CpuCount, OfAVersion2GroupIsItsQuotaRoundedUp) {
  write("/proc/self/cgroup", "0::/app/web\n");
  write("/sys/fs/cgroup/app/web/cpu.max", "250000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 3U);
}

TEST_F(CpuCount, TheTightestGroupAboveHolds) {
  write("/proc/self/cgroup", "0::/app/web\n");
  write("/sys/fs/cgroup/app/web/cpu.max", "max 100000\n");
  write("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  write("/sys/fs/cgroup/cpu.max", "800000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 2U);
}

TEST_F(CpuCount, AContainerThatSeesItsGroupAsTheRootIsLimitedToo) {
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 1U);
}

TEST_F(CpuCount, OfAVersion1GroupIsItsQuotaByItsPeriod) {
  write("/proc/self/cgroup",
        "12:memory:/x\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "400000\n");
  write("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 4U);
}

TEST_F(CpuCount, Version1InAContainerIsAtTheMount) {
  write("/proc/self/cgroup", "4:cpu,cpuacct:/docker/abc\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "120000\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), 2U);
}

TEST_F(CpuCount, WithoutALimitThereIsNone) {
  EXPECT_EQ(cgroup_cpu_quota(root_), std::nullopt);
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), std::nullopt);
  write("/proc/self/cgroup", "4:cpu:/\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cpu_quota(root_), std::nullopt);
}

TEST_F(CpuCount, NonsenseIsNoLimit) {
  write("/proc/self/cgroup", ":\n::::\n0::/../../..\nnonsense\n0");
  for (const char* content :
       {"", "x y", "100000", "100000 0", "-5 100000", "99999999999999999999 1"}) {
    write("/sys/fs/cgroup/cpu.max", content);
    EXPECT_EQ(cgroup_cpu_quota(root_), std::nullopt) << content;
  }
}

TEST_F(CpuCount, OfThisMachineIsAtLeastOne) { EXPECT_GE(cpu_count(), 1U); }

TEST(Locate, TheFlagIsBeforeTheVariableBeforeTheFiles) {
  const auto variable = surroundings({{"ROUNDHOUSE_CONFIG", "/v.yaml"}}).variable;
  const auto none = surroundings().variable;
  const auto all = [](const std::string&) { return true; };
  const auto only_etc = [](const std::string& path) { return path.starts_with("/etc"); };
  const auto nothing = [](const std::string&) { return false; };
  EXPECT_EQ(locate_configuration("f.yaml", variable, all).path, "f.yaml");
  EXPECT_EQ(locate_configuration("f.yaml", variable, all).found_by, "-c");
  EXPECT_EQ(locate_configuration("", variable, all).path, "/v.yaml");
  EXPECT_EQ(locate_configuration("", none, all).path, "roundhouse.yaml");
  EXPECT_EQ(locate_configuration("", none, only_etc).path, "/etc/roundhouse/roundhouse.yaml");
  EXPECT_EQ(locate_configuration("", none, nothing).path, "");
  EXPECT_EQ(locate_configuration("", none, nothing).found_by, "the default");
  EXPECT_EQ(
      locate_configuration("", surroundings({{"ROUNDHOUSE_CONFIG", ""}}).variable, nothing).path,
      "");
}

TEST(ControlFolders, TheRuntimeFoldersComeFirst) {
  using Folders = std::vector<std::string>;
  EXPECT_EQ(control_folders(surroundings().variable, 5),
            (Folders{"/run/roundhouse", "/tmp/roundhouse-5"}));
  EXPECT_EQ(control_folders(surroundings({{"XDG_RUNTIME_DIR", "/run/user/5"},
                                          {"RUNTIME_DIRECTORY", "/run/a:/run/b"}})
                                .variable,
                            5),
            (Folders{"/run/a/roundhouse", "/run/user/5/roundhouse", "/run/roundhouse",
                     "/tmp/roundhouse-5"}));
  EXPECT_EQ(control_folders(surroundings({{"RUNTIME_DIRECTORY", "/run/roundhouse"}}).variable, 5),
            (Folders{"/run/roundhouse", "/tmp/roundhouse-5"}));
  EXPECT_EQ(control_folders(surroundings({{"XDG_RUNTIME_DIR", "relative"}}).variable, 5).size(),
            2U);
}

using ControlSocket = Machine;

TEST_F(ControlSocket, IsInTheFirstFolderThatCanBeMade) {
  const std::string folder = root_ + "/roundhouse";
  const auto place =
      place_control_socket("auto", {root_ + "/none/roundhouse", folder, root_ + "/later"}, 7);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_EQ(place->path, folder + "/control.sock");
  struct stat status{};
  ASSERT_EQ(::stat(folder.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700U);
}

TEST_F(ControlSocket, OfASecondInstanceHasItsPid) {
  const auto first = listen_on(place_control_socket("auto", {root_ + "/r"}, 7)->path);
  EXPECT_EQ(place_control_socket("auto", {root_ + "/r"}, 8)->path, root_ + "/r/control-8.sock");
}

TEST_F(ControlSocket, ThatNobodyAnswersOnIsReplaced) {
  const std::string path = place_control_socket("auto", {root_ + "/r"}, 7)->path;
  listen_on(path).reset();
  ASSERT_TRUE(fs::exists(path));
  EXPECT_EQ(place_control_socket("auto", {root_ + "/r"}, 8)->path, path);
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(ControlSocket, IsNotPutWhereOthersWriteOrALinkLeads) {
  fs::create_directory(root_ + "/open");
  ASSERT_EQ(::chmod((root_ + "/open").c_str(), 0777), 0);
  fs::create_directory(root_ + "/target");
  fs::create_directory_symlink(root_ + "/target", root_ + "/link");
  const auto place = place_control_socket("auto", {root_ + "/open", root_ + "/link"}, 7);
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code, ExitCode::kSystem);
  EXPECT_NE(place.error().message.find(root_ + "/open: Operation not permitted"), std::string::npos)
      << place.error().message;
}

TEST_F(ControlSocket, ThatWasNamedIsNotTakenFromAnother) {
  const std::string path = root_ + "/own.sock";
  EXPECT_EQ(place_control_socket(path, {}, 7)->path, path);
  const auto first = listen_on(path);
  EXPECT_FALSE(place_control_socket(path, {}, 8));
  write("/file", "mine");
  EXPECT_FALSE(place_control_socket(root_ + "/file", {}, 8));
  EXPECT_TRUE(fs::exists(root_ + "/file"));
}

TEST_F(ControlSocket, OfRunningInstancesIsFound) {
  const std::vector<std::string> folders = {root_ + "/r", root_ + "/none"};
  EXPECT_TRUE(running_instances(folders).empty());
  const auto first = listen_on(place_control_socket("auto", folders, 7)->path);
  const auto second = listen_on(place_control_socket("auto", folders, 8)->path);
  listen_on(root_ + "/r/control-9.sock").reset();
  const auto instances = running_instances(folders);
  ASSERT_EQ(instances.size(), 2U);
  EXPECT_EQ(instances[0].socket, root_ + "/r/control-8.sock");
  EXPECT_EQ(instances[1].socket, root_ + "/r/control.sock");
  EXPECT_EQ(instances[0].pid, ::getpid());
}

}  // namespace
}  // namespace roundhouse::config
