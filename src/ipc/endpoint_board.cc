#include "ipc/endpoint_board.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

namespace roundhouse::ipc {

std::string_view to_string(Resolution resolution) {
  switch (resolution) {
    case Resolution::kAnswered:
      return "answered";
    case Resolution::kNegative:
      return "negative";
    case Resolution::kFailed:
      return "failed";
  }
  return "unknown";
}

Result<EndpointBoard> EndpointBoard::create() {
  EndpointBoard board;
  board.memory_ = TRY(Shared<EndpointMemory>::create("roundhouse-endpoints"));
  // A memfd may be opened anew by anybody who has it, as its mode says: at first everybody's.
  if (::fchmod(board.fd(), 0600) != 0) return fail_errno("fchmod of the endpoint board", errno);
  board.memory_->epoch.store(1, std::memory_order_release);
  return board;
}

Result<EndpointBoard> EndpointBoard::open(UniqueFd fd, Access access) {
  EndpointBoard board;
  board.memory_ = TRY(Shared<EndpointMemory>::open(std::move(fd), access));
  return board;
}

Result<UniqueFd> EndpointBoard::open_for_readers() const {
  const std::string path = "/proc/self/fd/" + std::to_string(fd());
  UniqueFd reader(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reader) return fail_errno("open the endpoint board for its readers", errno);
  return reader;
}

std::uint64_t EndpointBoard::read(EndpointTable& out) const {
  constexpr int kTries = 8;  // the writer writes a few times a second at most
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = epoch();
    out = memory_->tables[before % 2];
    std::atomic_thread_fence(std::memory_order_acquire);
    if (memory_->epoch.load(std::memory_order_relaxed) == before) return before;
  }
  return 0;
}

void EndpointBoard::publish(const EndpointTable& table) const {
  const std::uint64_t next = memory_->epoch.load(std::memory_order_relaxed) + 1;
  std::atomic_thread_fence(std::memory_order_release);
  memory_->tables[next % 2] = table;
  memory_->epoch.store(next, std::memory_order_release);
}

}  // namespace roundhouse::ipc
