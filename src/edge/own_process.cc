#include "edge/own_process.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "edge/spawn.h"

namespace roundhouse::edge {

OwnProcess::OwnProcess(EventLoop& loop, Setting setting, Done done)
    : loop_(loop), setting_(std::move(setting)), done_(std::move(done)), deadline_(loop, [this] {
        end(fail(setting_.task + " took longer than " +
                     std::to_string(kReadWithin / std::chrono::seconds(1)) + " s",
                 ExitCode::kSystem));
      }) {}

OwnProcess::~OwnProcess() { cancel(); }

void OwnProcess::start(std::span<const int> descriptors) {
  printed_.clear();
  auto started = spawn_process(descriptors);
  if (started) return deadline_.start_once(kReadWithin);
  loop_.defer([this, error = std::move(started).error()] { end(std::unexpected(error)); });
}

Result<void> OwnProcess::spawn_process(std::span<const int> descriptors) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
  output_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  Program program{
      .path = "/proc/self/exe", .arguments = setting_.arguments, .environment = {}, .cwd = ""};
  program.environment.push_back(setting_.variable + "=1");
  for (char** inherited = environ; *inherited != nullptr; ++inherited)
    program.environment.emplace_back(*inherited);
  program.die_with_us = true;
  program.out = theirs.get();
  pid_ = TRY(spawn(program, descriptors));
  watcher_.watch(loop_, output_.get(), Interest::kRead, Trigger::kLevel, *this);
  return {};
}

void OwnProcess::on_ready(Ready /*ready*/) {
  std::array<char, 65536> part;
  const ssize_t got = ::read(output_.get(), part.data(), part.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got > 0 && printed_.size() < kPrintedBytesMax) {
    printed_.append(part.data(), static_cast<std::size_t>(got));
    return;
  }
  end(std::move(printed_));
}

// It has said all, or will not.
void OwnProcess::release() {
  watcher_.stop();
  deadline_.stop();
  output_.reset();
  if (pid_ != 0) ::kill(pid_, SIGKILL);
}

void OwnProcess::cancel() { release(); }

void OwnProcess::end(Result<std::string> printed) {
  release();
  done_(std::move(printed));
}

// It has printed all; what it printed is read when the pipe says so.
bool OwnProcess::reaped(pid_t pid) {
  if (pid_ == 0 || pid != pid_) return false;
  pid_ = 0;
  return true;
}

}  // namespace roundhouse::edge
