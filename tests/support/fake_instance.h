// A board and its slots without an edge and workers: a test writes what those would.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/board.h"
#include "ipc/endpoint_board.h"
#include "ipc/shared_memory.h"
#include "ipc/slot.h"
#include "metrics/snapshot.h"

namespace roundhouse::test {

class FakeInstance {
 public:
  explicit FakeInstance(metrics::Layout layout) : layout_(std::move(layout)) {
    std::size_t workers = 0;
    for (auto& pool : layout_.pools) {
      pool.first_row = workers;
      pool.ids = pool.workers;
      workers += pool.workers;
    }
    board_ = ipc::Board::create(workers, layout_.listeners.size()).value();
    for (std::size_t i = 0; i < workers; ++i) {
      slots_.push_back(ipc::Shared<ipc::Slot>::create("test-slot").value());
    }
    board_.header().started_at = 1000;
  }

  // hello: `workers` workers with policy rr behind the listener web.
  static metrics::Layout one_pool(std::uint32_t workers) {
    return {.pools = {{.name = "hello",
                       .type = "hello",
                       .policy = "rr",
                       .workers = workers,
                       .worker_connections = 10000}},
            .listeners = {{.name = "web", .pool = "hello", .max_connections = 10000}},
            .failures = {"", "bad_method"}};
  }

  // There are upstreams, with these endpoints.
  void set_endpoints(const ipc::EndpointTable& table) {
    if (!endpoints_) endpoints_ = ipc::EndpointBoard::create().value();
    endpoints_->publish(table);
  }
  ipc::EndpointBoard& endpoints() { return *endpoints_; }

  const metrics::Layout& layout() const { return layout_; }
  ipc::Board& board() { return board_; }
  ipc::BoardHeader& header() { return board_.header(); }
  ipc::WorkerRow& worker(std::size_t index) { return board_.worker(index); }
  ipc::ListenerRow& listener(std::size_t index) { return board_.listener(index); }
  ipc::Slot& slot(std::size_t index) { return *slots_[index]; }
  int slot_fd(std::size_t index) const { return slots_[index].fd(); }

  void make_ready(std::size_t index, std::int32_t pid) {
    worker(index).pid = pid;
    worker(index).generation = 1;
    worker(index).started_at = 1001;
    worker(index).state = ipc::WorkerState::kReady;
  }
  void record_exit(std::size_t index, const ipc::ExitRecord& record) {
    ipc::write_exit(worker(index), record);
  }

  metrics::Snapshot snapshot(Time now) {
    std::vector<const ipc::Slot*> slots;
    slots.reserve(slots_.size());
    for (const auto& slot : slots_) slots.push_back(&*slot);
    return metrics::read_snapshot(layout_, board_, endpoints_ ? &*endpoints_ : nullptr, slots, now);
  }

 private:
  metrics::Layout layout_;
  ipc::Board board_;
  std::optional<ipc::EndpointBoard> endpoints_;
  std::vector<ipc::Shared<ipc::Slot>> slots_;
};

}  // namespace roundhouse::test
