// Where the messages of a Node worker begin and end. Pure.
//
// json: a line each. advanced: the length as four bytes, most significant first, then as many.
// Bounded: a message longer than kNodeMessageMax is not kept but passed over as it comes. Programs
// send megabytes to each other; what Node itself says is short.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "edge/node_message.h"

namespace roundhouse::edge {

class NodeReceiver {
 public:
  // False: nothing more is wanted.
  virtual bool on_node_message(const NodeMessage& message) = 0;

 protected:
  ~NodeReceiver() = default;
};

class NodeFraming {
 public:
  explicit NodeFraming(NodeFormat format) : format_(format) {}

  // Tells every message that is whole by now. False: the receiver wanted no more. What was
  // malformed is told as such.
  bool feed(std::string_view bytes, NodeReceiver& receiver);

  // Bytes that wait for the rest of their message.
  std::size_t kept() const { return kept_.size(); }
  // Another worker speaks from here on.
  void reset();

 private:
  bool feed_lines(std::string_view bytes, NodeReceiver& receiver);
  bool feed_frames(std::string_view bytes, NodeReceiver& receiver);
  bool tell(std::string_view text, NodeReceiver& receiver);
  bool tell_passed_over(NodeReceiver& receiver);
  void pass_over();

  const NodeFormat format_;
  std::string kept_;                                // the beginning of a message
  bool passing_over_ = false;                       // the one that has begun is too long to keep
  NodeMessage::Kind passed_ = NodeMessage::Kind{};  // what that one is
  std::uint64_t missing_ = 0;                       // of it, in frames
};

}  // namespace roundhouse::edge
