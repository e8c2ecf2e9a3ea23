#include "edge/node_framing.h"

#include <algorithm>

namespace roundhouse::edge {
namespace {

constexpr std::size_t kLengthSize = 4;

std::uint64_t length_of(std::string_view frame) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthSize; ++i)
    length = length << 8 | static_cast<unsigned char>(frame[i]);
  return length;
}

}  // namespace

bool NodeFraming::feed(std::string_view bytes, NodeReceiver& receiver) {
  return format_ == NodeFormat::kJson ? feed_lines(bytes, receiver) : feed_frames(bytes, receiver);
}

void NodeFraming::reset() {
  kept_.clear();
  passing_over_ = false;
  missing_ = 0;
}

bool NodeFraming::feed_lines(std::string_view bytes, NodeReceiver& receiver) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    const bool at_once = end != bytes.npos && kept_.empty() && part.size() <= kNodeMessageMax;
    if (!passing_over_ && !at_once) {
      kept_ += part;
      if (kept_.size() > kNodeMessageMax) pass_over();
    }
    if (end == bytes.npos) return true;
    bool wanted = true;
    if (passing_over_) {
      wanted = tell_passed_over(receiver);
    } else {
      wanted = tell(kept_.empty() ? part : std::string_view(kept_), receiver);
    }
    kept_.clear();
    if (!wanted) return false;
    bytes.remove_prefix(end + 1);
  }
  return true;
}

bool NodeFraming::feed_frames(std::string_view bytes, NodeReceiver& receiver) {
  while (!bytes.empty()) {
    if (passing_over_) {
      const auto passed = std::min<std::uint64_t>(missing_, bytes.size());
      missing_ -= passed;
      bytes.remove_prefix(passed);
      if (missing_ == 0 && !tell_passed_over(receiver)) return false;
      continue;
    }
    const std::uint64_t whole =
        kept_.size() < kLengthSize ? kLengthSize : kLengthSize + length_of(kept_);
    const std::uint64_t wanted = std::min<std::uint64_t>(whole, kNodeMessageMax) - kept_.size();
    const std::size_t taken = std::min<std::uint64_t>(wanted, bytes.size());
    kept_ += bytes.substr(0, taken);
    bytes.remove_prefix(taken);
    if (kept_.size() < kLengthSize) continue;
    const std::uint64_t size = kLengthSize + length_of(kept_);
    if (kept_.size() == size) {
      if (!tell(std::string_view(kept_).substr(kLengthSize), receiver)) return false;
      kept_.clear();
    } else if (kept_.size() == kNodeMessageMax) {
      missing_ = size - kept_.size();
      kept_.erase(0, kLengthSize);
      pass_over();
    }
  }
  return true;
}

void NodeFraming::pass_over() {
  using Kind = NodeMessage::Kind;
  passing_over_ = true;
  const std::string_view begin = kept_;
  passed_ = begin.starts_with(handle_prefix(format_))     ? Kind::kHandle
            : begin.starts_with(internal_prefix(format_)) ? Kind::kMalformed
                                                          : Kind::kUser;
  // Of an advanced one only the name of the first member was compared.
  const bool is_program = format_ == NodeFormat::kAdvanced && passed_ == Kind::kMalformed &&
                          !begin.substr(internal_prefix(format_).size() + 1).starts_with("NODE_");
  if (is_program) passed_ = Kind::kUser;
  kept_.clear();
}

bool NodeFraming::tell(std::string_view text, NodeReceiver& receiver) {
  return receiver.on_node_message(parse_node_message(text, format_));
}

bool NodeFraming::tell_passed_over(NodeReceiver& receiver) {
  passing_over_ = false;
  NodeMessage message;
  message.kind = passed_;
  return receiver.on_node_message(message);
}

}  // namespace roundhouse::edge
