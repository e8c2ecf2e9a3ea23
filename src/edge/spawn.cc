#include "edge/spawn.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "ipc/heritage.h"

namespace roundhouse::edge {
namespace {

constexpr int kMaxInherited = 64;
constexpr int kOomScoreMax = 1000;
constexpr int kOomScoreMore = 200;  // than the edge's: the kernel ends a worker before the edge

// Everything that the child needs, as plain pointers.
struct ChildPlan {
  const char* path;
  char* const* arguments;
  char* const* environment;
  const char* cwd;
  const Identity* identity;
  std::span<const int> descriptors;
  const char* oom_score;
  pid_t edge;
  bool die_with_us;
  char* pid_text;  // where its pid is written, behind "LISTEN_PID="; none: nowhere
  int out;
  int err;
};

constexpr std::string_view kPidVariable = "LISTEN_PID=";
constexpr std::size_t kPidDigits = 10;

// `user`: who it has become by then, which may be the reason.
[[noreturn]] void give_up(const char* step, const char* what, const char* user = nullptr) noexcept {
  const char* why = strerrordesc_np(errno);
  for (const char* part : {"roundhouse: ", step, " ", what, ": ", why != nullptr ? why : "error",
                           user != nullptr ? " (as user " : "", user != nullptr ? user : "",
                           user != nullptr ? ")" : "", "\n"}) {
    if (::write(STDERR_FILENO, part, std::strlen(part)) < 0) break;
  }
  ::_exit(127);
}

void become(const Identity& identity) noexcept {
  if (::setgroups(identity.groups.size(), identity.groups.data()) != 0)
    give_up("setgroups", identity.name.c_str());
  if (::setgid(identity.gid) != 0) give_up("setgid", identity.name.c_str());
  if (::setuid(identity.uid) != 0) give_up("setuid", identity.name.c_str());
}

void default_signals() noexcept {
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What else the edge has open is of no use here, and may leave no room.
void close_all_but(std::span<const int> kept) noexcept {
  unsigned next = ipc::kFirstDescriptor;
  for (;;) {
    unsigned nearest = ~0U;
    for (const int fd : kept) {
      const auto number = static_cast<unsigned>(fd);
      if (number >= next && number < nearest) nearest = number;
    }
    if (nearest > next) ::close_range(next, nearest == ~0U ? nearest : nearest - 1, 0);
    if (nearest == ~0U) return;
    next = nearest + 1;
  }
}

// Moves them out of the way first, since a source may stand where a target goes. dup2 clears
// CLOEXEC.
void place_descriptors(std::span<const int> descriptors) noexcept {
  close_all_but(descriptors);
  int moved[kMaxInherited];
  const int count = static_cast<int>(descriptors.size());
  for (int i = 0; i < count; ++i) {
    moved[i] = ::fcntl(descriptors[static_cast<std::size_t>(i)], F_DUPFD_CLOEXEC,
                       ipc::kFirstDescriptor + count);
    if (moved[i] < 0) give_up("dup", "an inherited descriptor");
  }
  for (int i = 0; i < count; ++i) {
    if (::dup2(moved[i], ipc::kFirstDescriptor + i) < 0) give_up("dup2", "an inherited descriptor");
  }
  // Those that were moved (Linux 5.11).
  ::close_range(static_cast<unsigned>(ipc::kFirstDescriptor + count), ~0U, CLOSE_RANGE_CLOEXEC);
}

void place_output(const ChildPlan& plan) noexcept {
  if (plan.out >= 0 && ::dup2(plan.out, STDOUT_FILENO) < 0) give_up("dup2", "its output");
  if (plan.err >= 0 && ::dup2(plan.err, STDERR_FILENO) < 0) give_up("dup2", "its output");
}

// The digits of a number, which end in the NUL that follows `kPidDigits` places.
void write_number(char* out, pid_t number) noexcept {
  char digits[kPidDigits];
  std::size_t count = 0;
  for (; number > 0 && count < kPidDigits; number /= 10)
    digits[count++] = static_cast<char>('0' + number % 10);
  while (count > 0) *out++ = digits[--count];
  *out = '\0';
}

[[noreturn]] void run_child(const ChildPlan& plan) noexcept {
  default_signals();
  ::setpgid(0, 0);
  place_output(plan);
  place_descriptors(plan.descriptors);
  const int oom = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (oom >= 0 && ::write(oom, plan.oom_score, std::strlen(plan.oom_score)) < 0)
    errno = 0;  // a wish, not a condition
  if (plan.cwd[0] != '\0' && ::chdir(plan.cwd) != 0) give_up("cd", plan.cwd);
  if (plan.identity != nullptr) become(*plan.identity);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (plan.die_with_us) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);  // after setuid, which clears it
    if (::getppid() != plan.edge) ::_exit(0);     // it died in between
  }
  if (plan.pid_text != nullptr) write_number(plan.pid_text, ::getpid());
  ::execve(plan.path, plan.arguments, plan.environment);
  give_up("exec", plan.path, plan.identity != nullptr ? plan.identity->name.c_str() : nullptr);
}

std::string oom_score_of_children() {
  int score = 0;
  std::ifstream("/proc/self/oom_score_adj") >> score;
  return std::to_string(std::min(score + kOomScoreMore, kOomScoreMax));
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> all;
  all.reserve(strings.size() + 1);
  for (const std::string& text : strings) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

bool is_executable_file(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return false;
  if (!S_ISREG(status.st_mode)) {
    errno = EACCES;
    return false;
  }
  return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<Identity> find_identity(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return fail("user '" + user + "' does not exist", ExitCode::kSystem);
  Identity identity{.uid = entry->pw_uid, .gid = entry->pw_gid, .groups = {}, .name = user};
  int count = 64;
  identity.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), identity.gid, identity.groups.data(), &count) < 0) count = 0;
  identity.groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return identity;
}

Result<pid_t> spawn(const Program& program, std::span<const int> descriptors) {
  if (descriptors.size() > kMaxInherited)
    return fail("too many descriptors to pass on", ExitCode::kSystem);
  const std::vector<char*> arguments = pointers(program.arguments);
  std::string pid_variable(kPidVariable);
  pid_variable.resize(kPidVariable.size() + kPidDigits + 1);
  std::vector<char*> environment = pointers(program.environment);
  if (program.told_its_pid) environment.insert(environment.end() - 1, pid_variable.data());
  const std::string oom_score = oom_score_of_children();
  const ChildPlan plan{
      .path = program.path.c_str(),
      .arguments = arguments.data(),
      .environment = environment.data(),
      .cwd = program.cwd.c_str(),
      .identity = program.identity,
      .descriptors = descriptors,
      .oom_score = oom_score.c_str(),
      .edge = ::getpid(),
      .die_with_us = program.die_with_us,
      .pid_text = program.told_its_pid ? pid_variable.data() + kPidVariable.size() : nullptr,
      .out = program.out,
      .err = program.err};
  // No signal handler of ours may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  if (pid == 0) run_child(plan);
  const int why = errno;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail_errno("fork", why);
  return pid;
}

Result<std::string> find_executable(const std::string& command, const std::string& path_variable) {
  if (command.find('/') != std::string::npos) {
    if (is_executable_file(command)) return command;
    return fail_errno("exec " + command, errno);
  }
  int why = ENOENT;
  for (std::size_t at = 0; at <= path_variable.size();) {
    const std::size_t end = std::min(path_variable.find(':', at), path_variable.size());
    std::string candidate = path_variable.substr(at, end - at) + "/" + command;
    if (is_executable_file(candidate)) return candidate;
    if (errno == EACCES) why = EACCES;
    at = end + 1;
  }
  return fail_errno("exec " + command, why);
}

}  // namespace roundhouse::edge
