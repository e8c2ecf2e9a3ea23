#include "ipc/board.h"

#include <unistd.h>

#include <algorithm>
#include <new>

#include "base/check.h"

namespace roundhouse::ipc {
namespace {

constexpr std::size_t align(std::size_t size) { return (size + 63) / 64 * 64; }
constexpr std::size_t kListenersAt = align(sizeof(BoardHeader));

// Header, listeners, which rows of workers are used, these.
std::size_t used_at(std::size_t listeners) {
  return kListenersAt + align(listeners * sizeof(ListenerRow));
}
std::size_t workers_at(std::size_t workers, std::size_t listeners) {
  return used_at(listeners) + align(workers * sizeof(Gauge));
}
std::size_t board_size(std::size_t workers, std::size_t listeners) {
  return workers_at(workers, listeners) + workers * sizeof(WorkerRow);
}

}  // namespace

std::string_view to_string(WorkerState state) {
  switch (state) {
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kReady:
      return "ready";
    case WorkerState::kDraining:
      return "draining";
    case WorkerState::kGone:
      return "gone";
    case WorkerState::kBackoff:
      return "backoff";
    case WorkerState::kQuarantined:
      return "quarantined";
    case WorkerState::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string_view to_string(ExitReason reason) {
  switch (reason) {
    case ExitReason::kCrash:
      return "crash";
    case ExitReason::kExited:
      return "exited";
    case ExitReason::kOom:
      return "oom";
    case ExitReason::kHang:
      return "hang";
    case ExitReason::kBootTimeout:
      return "boot_timeout";
    case ExitReason::kProtocol:
      return "protocol";
    case ExitReason::kRecycleRequests:
      return "recycle_requests";
    case ExitReason::kRecycleMemory:
      return "recycle_memory";
    case ExitReason::kRecycleLifetime:
      return "recycle_lifetime";
    case ExitReason::kShutdown:
      return "shutdown";
    case ExitReason::kReload:
      return "reload";
    case ExitReason::kScale:
      return "scale";
    case ExitReason::kOperator:
      return "operator";
  }
  return "unknown";
}

std::string_view to_string(PauseReason reason) {
  switch (reason) {
    case PauseReason::kNoWorker:
      return "no_worker";
    case PauseReason::kMaxConnections:
      return "max_connections";
    case PauseReason::kDescriptors:
      return "descriptors";
    case PauseReason::kDraining:
      return "draining";
  }
  return "unknown";
}

Result<Board> Board::create(std::size_t workers, std::size_t listeners) {
  Board board = TRY(create_sparse(workers, listeners));
  for (std::size_t i = 0; i < workers; ++i) board.begin_row(i);
  return board;
}

void Board::begin_row(std::size_t index) const {
  new (&worker(index)) WorkerRow();
  used(index).store(1, std::memory_order_release);
}

Gauge& Board::used(std::size_t index) const {
  CHECK(index < workers_);
  return reinterpret_cast<Gauge*>(static_cast<std::byte*>(mapping_.address()) +
                                  used_at(listeners_))[index];
}

bool Board::is_used(std::size_t worker) const {
  return used(worker).load(std::memory_order_acquire) != 0;
}

Result<Board> Board::create_sparse(std::size_t workers, std::size_t listeners) {
  Board board;
  board.workers_ = workers;
  board.listeners_ = listeners;
  const std::size_t size = board_size(workers, listeners);
  board.fd_ = TRY(create_memory("roundhouse-board", size));
  board.mapping_ = TRY(map_memory(board.fd_.get(), size, Access::kReadWrite));
  TRY_VOID(seal_for_readers(board.fd_.get()));
  auto* header = new (board.mapping_.address()) BoardHeader();
  header->workers = static_cast<std::uint32_t>(workers);
  header->listeners = static_cast<std::uint32_t>(listeners);
  header->edge_pid = ::getpid();
  for (std::size_t i = 0; i < listeners; ++i) new (&board.listener(i)) ListenerRow();
  return board;
}

Result<Board> Board::open(UniqueFd fd) {
  Board board;
  board.mapping_ = TRY(map_memory(fd.get(), sizeof(BoardHeader), Access::kReadOnly));
  const BoardHeader& header = board.header();
  if (header.magic != BoardHeader::kMagic || header.version != BoardHeader::kVersion) {
    return fail("the board is of another version", ExitCode::kSystem);
  }
  board.workers_ = header.workers;
  board.listeners_ = header.listeners;
  board.mapping_ =
      TRY(map_memory(fd.get(), board_size(board.workers_, board.listeners_), Access::kReadOnly));
  board.fd_ = std::move(fd);
  return board;
}

ListenerRow& Board::listener(std::size_t index) const {
  CHECK(index < listeners_);
  return reinterpret_cast<ListenerRow*>(static_cast<std::byte*>(mapping_.address()) +
                                        kListenersAt)[index];
}

WorkerRow& Board::worker(std::size_t index) const {
  CHECK(index < workers_);
  return reinterpret_cast<WorkerRow*>(static_cast<std::byte*>(mapping_.address()) +
                                      workers_at(workers_, listeners_))[index];
}

void write_exit(WorkerRow& row, const ExitRecord& record) {
  increment(row.exits_lock);
  std::atomic_thread_fence(std::memory_order_release);
  row.exit_records[row.exits.load(std::memory_order_relaxed) % kKeptExits] = record;
  increment(row.exits);
  std::atomic_thread_fence(std::memory_order_release);
  increment(row.exits_lock);
}

std::size_t read_exits(const WorkerRow& row, ExitRecord (&out)[kKeptExits]) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const std::uint32_t before = row.exits_lock.load(std::memory_order_acquire);
    if (before % 2 != 0) continue;
    const std::uint32_t exits = row.exits.load(std::memory_order_relaxed);
    const std::size_t count = std::min<std::size_t>(exits, kKeptExits);
    for (std::size_t k = 0; k < count; ++k) out[k] = row.exit_records[(exits - 1 - k) % kKeptExits];
    std::atomic_thread_fence(std::memory_order_acquire);
    if (row.exits_lock.load(std::memory_order_relaxed) == before) return count;
  }
  return 0;
}

}  // namespace roundhouse::ipc
