// A worker's channel as a queue, and the worker's end of it, for tests of the dispatcher.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "edge/dispatcher.h"

namespace roundhouse::edge {

class FakePort final : public HandoffPort {
 public:
  // What a test sets.
  ipc::Sent answer = ipc::Sent::kYes;        // to send()
  ipc::Sent nudge_answer = ipc::Sent::kYes;  // to nudge()
  std::uint64_t says_taken = 0;
  std::uint64_t open = 0;
  std::size_t limit = ipc::kMaxDescriptors;
  std::vector<std::uint32_t> unwilling;  // for connections of these listeners
  // What a test reads.
  std::vector<std::uint64_t> served;  // ids, in the order in which they were taken
  int room_wishes = 0;
  int messages = 0;
  int flushes = 0;

  // The worker reads one message, or all.
  void take_one() {
    if (queue_.empty()) return;
    for (const Connection& connection : queue_.front().connections) {
      served.push_back(connection.info.id);
      ++open;
    }
    says_taken = queue_.front().sequence;
    queue_.pop_front();
  }
  void take_all() {
    while (!queue_.empty()) take_one();
  }
  std::size_t lying() const {
    std::size_t count = 0;
    for (const Message& message : queue_) count += message.connections.size();
    return count;
  }

  ipc::Sent send(std::uint64_t sequence, std::span<Connection> batch) override {
    if (answer != ipc::Sent::kYes) return answer;
    ++messages;
    Message& message = queue_.emplace_back();
    message.sequence = sequence;
    for (const Connection& connection : batch)
      message.connections.push_back({.fd = UniqueFd(), .info = connection.info, .tried = {}});
    return ipc::Sent::kYes;
  }
  ipc::Sent nudge(std::uint64_t sequence) override {
    if (nudge_answer == ipc::Sent::kYes)
      queue_.push_back({.sequence = sequence, .connections = {}});
    return nudge_answer;
  }
  std::uint64_t take_back(std::vector<Connection>& out) override {
    for (auto message = queue_.begin(); message != queue_.end(); ++message) {
      if (message->connections.empty()) continue;
      for (Connection& connection : message->connections) out.push_back(std::move(connection));
      const std::uint64_t sequence = message->sequence;
      queue_.erase(message);
      return sequence;
    }
    return 0;
  }
  std::uint64_t taken() const override { return says_taken; }
  std::uint64_t connections_active() const override { return open; }
  void want_room() override { ++room_wishes; }
  bool willing(std::uint32_t listener) const override {
    return std::ranges::find(unwilling, listener) == unwilling.end();
  }
  std::size_t batch_limit() const override { return limit; }
  void flush() override { ++flushes; }
  // The worker turns the oldest message away: its sequence, and the connection of it.
  std::pair<std::uint64_t, Connection> turn_away_one() {
    Message message = std::move(queue_.front());
    queue_.pop_front();
    return {message.sequence, std::move(message.connections.front())};
  }

 private:
  struct Message {
    std::uint64_t sequence = 0;
    std::vector<Connection> connections;  // none: a nudge
  };
  std::deque<Message> queue_;
};

}  // namespace roundhouse::edge
