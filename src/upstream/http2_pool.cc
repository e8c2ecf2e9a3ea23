#include "upstream/http2_pool.h"

#include <algorithm>
#include <utility>

namespace roundhouse::upstream {

Http2Pool::~Http2Pool() = default;

// The first: those behind it become idle when there is less to do, and are closed.
Http2Connection* Http2Pool::find_room() const {
  const auto found =
      std::ranges::find_if(open_, [](const auto& connection) { return connection->has_room(); });
  return found == open_.end() ? nullptr : found->get();
}

Http2Connection& Http2Pool::add(std::unique_ptr<Connection> connection) {
  const bool plain = connection->transport().is_plain();
  open_.push_back(std::make_unique<Http2Connection>(
      Http2Connection::Parts{.loop = parts_.loop,
                             .deadlines = parts_.deadlines,
                             .shared = parts_.shared,
                             .owner = *this,
                             .streams = parts_.config.streams,
                             .keep_alive = parts_.config.timeouts.keep_alive,
                             .scheme = plain ? "http" : "https"},
      std::move(connection)));
  return *open_.back();
}

void Http2Pool::drop_idle() {
  for (std::size_t i = open_.size(); i-- > 0;)
    if (open_[i]->idle()) open_[i]->leave();
}

void Http2Pool::leave() {
  for (std::size_t i = open_.size(); i-- > 0;) open_[i]->leave();
}

void Http2Pool::on_http2_over(Http2Connection& connection) {
  const auto found = std::ranges::find(open_, &connection, &std::unique_ptr<Http2Connection>::get);
  connection.close_transport();
  parts_.loop.delete_later(std::move(*found));
  open_.erase(found);
}

}  // namespace roundhouse::upstream
