#include "ipc/operation.h"

#include <algorithm>
#include <cstring>

namespace roundhouse::ipc {
namespace {

void write(OperationRecord& record, const Operation& operation) {
  increment(record.lock);
  std::atomic_thread_fence(std::memory_order_release);
  record.ticket = operation.ticket;
  record.kind = operation.kind;
  record.state = operation.state;
  record.began_at = operation.began_at;
  record.ended_at = operation.ended_at;
  const std::size_t size = std::min(operation.text.size(), kOperationText - 1);
  std::memcpy(record.text, operation.text.data(), size);
  record.text[size] = '\0';
  std::atomic_thread_fence(std::memory_order_release);
  increment(record.lock);
}

std::optional<Operation> read(const OperationRecord& record) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    const std::uint32_t before = record.lock.load(std::memory_order_acquire);
    if (before % 2 != 0) continue;
    Operation operation{.ticket = record.ticket,
                        .kind = record.kind,
                        .state = record.state,
                        .began_at = record.began_at,
                        .ended_at = record.ended_at,
                        .text = std::string(record.text, ::strnlen(record.text, kOperationText))};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (record.lock.load(std::memory_order_relaxed) == before) return operation;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(OperationKind kind) {
  switch (kind) {
    case OperationKind::kReload:
      return "reload";
    case OperationKind::kRestart:
      return "restart";
    case OperationKind::kScale:
      return "scale";
  }
  return "unknown";
}

std::string_view to_string(OperationState state) {
  switch (state) {
    case OperationState::kRunning:
      return "running";
    case OperationState::kApplied:
      return "applied";
    case OperationState::kRefused:
      return "refused";
    case OperationState::kFailed:
      return "failed";
  }
  return "unknown";
}

void begin_operation(OperationRing& ring, const Operation& operation) {
  write(ring.records[ring.begun.load(std::memory_order_relaxed) % kKeptOperations], operation);
  add(ring.begun);
}

void update_operation(OperationRing& ring, const Operation& operation) {
  for (OperationRecord& record : ring.records) {
    if (record.ticket == operation.ticket && record.lock.load(std::memory_order_relaxed) != 0)
      return write(record, operation);
  }
}

std::optional<Operation> find_operation(const OperationRing& ring, std::uint64_t ticket) {
  for (const OperationRecord& record : ring.records) {
    if (record.lock.load(std::memory_order_acquire) == 0) continue;
    auto operation = read(record);
    if (operation && operation->ticket == ticket) return operation;
  }
  return std::nullopt;
}

std::vector<Operation> kept_operations(const OperationRing& ring) {
  std::vector<Operation> kept;
  const std::uint64_t begun = ring.begun.load(std::memory_order_acquire);
  for (std::uint64_t i = begun - std::min<std::uint64_t>(begun, kKeptOperations); i < begun; ++i) {
    if (auto operation = read(ring.records[i % kKeptOperations])) kept.push_back(*operation);
  }
  return kept;
}

}  // namespace roundhouse::ipc
