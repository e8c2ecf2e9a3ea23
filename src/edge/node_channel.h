// The channel with one Node worker: the edge's end, and what lies in it.
//
// A stream, so what is unread has no borders of its own: the channel remembers what it sent. The
// edge keeps a duplicate of the worker's end. recall() receives there what the worker has not read:
// connections of which it has not read a byte are the edge's again, everything else is sent once
// more, in order. The kernel delivers each byte once, to the worker or to the edge.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"
#include "ipc/descriptor_stream.h"

namespace roundhouse::edge {

class NodeChannel {
 public:
  Result<void> open();
  void close();
  int fd() const { return ours_.get(); }
  int workers_end() const { return workers_end_.get(); }

  // To be sent by the next flush(), after what was posted before. `descriptor` goes along.
  void post(std::string bytes, UniqueFd descriptor = UniqueFd());
  // A connection; `descriptor` is borrowed and must stay until it was answered or recalled.
  void post_connection(std::string bytes, int descriptor, std::uint64_t sequence);
  ipc::Sent flush();
  // The kernel takes no more for now: watch fd() for writing, then flush().
  bool is_full() const { return full_; }
  std::size_t unsent() const { return unsent_bytes_; }
  // Of connections.
  std::uint64_t last_sent() const { return last_sent_; }

  ipc::StreamReceived receive(std::span<char> buffer);

  // The worker answered the connection: all before it was read too.
  void was_read(std::uint64_t sequence);
  // The worker says whether the next descriptor arrived: of which connection, 0: of something else.
  // None: nothing was sent that it could mean.
  std::optional<std::uint64_t> next_acknowledged();
  // Everything that was posted has been read.
  bool all_read() const;
  // Of what was sent: descriptors that went along are closed.
  void forget_read();

  // The connections that the worker has not begun to read, in order. Everything else that it had
  // not read is posted again.
  std::vector<std::uint64_t> recall();

 private:
  struct Message {
    std::string bytes;
    std::uint64_t sequence = 0;  // of a connection
    int borrowed = -1;
    UniqueFd owned;
    std::size_t sent = 0;  // bytes
    int descriptor() const { return owned ? owned.get() : borrowed; }
  };

  void note_sent(const ipc::StreamSent& sent);
  std::string receive_unread();
  void sort_unread(std::string_view bytes, std::vector<std::uint64_t>& back,
                   std::vector<Message>& again);
  void forget_acknowledgement(std::uint64_t sequence);

  UniqueFd ours_;
  UniqueFd workers_end_;
  std::deque<Message> unsent_;
  std::size_t unsent_bytes_ = 0;
  std::deque<Message> sent_;                  // and perhaps not yet read
  std::deque<std::uint64_t> unacknowledged_;  // sent with a descriptor
  std::uint64_t last_sent_ = 0;
  bool full_ = false;
};

}  // namespace roundhouse::edge
