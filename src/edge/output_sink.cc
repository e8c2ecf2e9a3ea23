#include "edge/output_sink.h"

namespace roundhouse::edge {

bool OutputSink::write(std::string_view lines) {
  if (unread_ || waiting_.size() + lines.size() > kMaxWaiting) return false;
  waiting_ += lines;
  if (!watcher_.watching()) flush();
  return !unread_;
}

void OutputSink::on_ready(Ready /*ready*/) { flush(); }

void OutputSink::flush() {
  std::string_view left = waiting_;
  while (!left.empty() && !unread_) {
    const auto taken = stream_.write(left);
    unread_ = !taken;
    if (taken.value_or(0) == 0) break;
    left.remove_prefix(*taken);
  }
  waiting_.erase(0, unread_ ? waiting_.size() : waiting_.size() - left.size());
  if (waiting_.empty())
    watcher_.stop();
  else if (!watcher_.watching())
    watcher_.watch(loop_, stream_.fd(), Interest::kWrite, Trigger::kLevel, *this);
}

}  // namespace roundhouse::edge
