#include "upstream/http2_call.h"

#include <utility>

#include "base/check.h"
#include "upstream/http2_connection.h"

namespace roundhouse::upstream {

Http2Call::Http2Call(Http2Connection& connection, bool reused)
    : endpoint_(connection.endpoint()), connection_(&connection), reused_(reused) {}

Http2Call::~Http2Call() { leave(); }

bool Http2Call::start(const http::Http2Codec::RequestHead& head) {
  return connection_ != nullptr && connection_->start(*this, head);
}

std::size_t Http2Call::write(std::string_view data) {
  if (connection_ == nullptr) return data.size();
  return connection_->write(*this, data);
}

void Http2Call::end(std::span<const http::Field> trailers) {
  if (connection_ == nullptr) return;
  connection_->codec().end(*stream_, trailers);
  connection_->flush_later();
}

void Http2Call::on_data(std::string_view data) {
  if (user_ == nullptr) return;
  std::size_t taken = 0;
  if (held_.empty()) taken = user_->on_call_data(data);
  if (connection_ == nullptr) return;
  connection_->codec().consume(*stream_, taken);
  held_.append(data.substr(taken));
}

void Http2Call::on_end() {
  ended_ = true;
  go_on();
}

void Http2Call::go_on() {
  while (user_ != nullptr && !held_.empty()) {
    const std::size_t taken = user_->on_call_data(held_);
    if (user_ == nullptr || taken == 0) return;
    held_.erase(0, taken);
    if (connection_ == nullptr) continue;
    connection_->codec().consume(*stream_, taken);
    connection_->flush_later();
  }
  if (user_ == nullptr || !ended_ || told_end_) return;
  told_end_ = true;
  // Some of the trailers would be taken for all of them.
  if (trailers_ != nullptr && trailers_->failure != http::Failure::kNone) {
    user_->on_call_closed(http::Http2Error::kProtocol);
    return;
  }
  http::FieldTable none(0);
  if (!user_->on_call_end(trailers_ == nullptr ? none : trailers_->fields)) told_end_ = false;
}

void Http2Call::leave() {
  user_ = nullptr;
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->forget(*this);
}

}  // namespace roundhouse::upstream
