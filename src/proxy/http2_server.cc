#include "proxy/http2_server.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proxy/http2_session.h"

namespace roundhouse::proxy {
namespace {

// The head of an answer, which may come from elsewhere.
constexpr std::size_t kHeadBytes = 32 * std::size_t{1024};
constexpr std::size_t kInput = 64 * std::size_t{1024};
constexpr std::size_t kFreeMax = 256;

std::size_t most_fields(const std::vector<config::Listener>& listeners) {
  std::size_t most = 0;
  for (const config::Listener& listener : listeners)
    most = std::max<std::size_t>(most, listener.limits.header_count);
  return most;
}

}  // namespace

Http2Server::Http2Server(Parts parts)
    : parts_(std::move(parts)),
      fields_max_(most_fields(parts_.listeners)),
      heads_(fields_max_),
      head_space_(kHeadBytes),
      input_(kInput) {}

Http2Server::~Http2Server() = default;

void Http2Server::take(Arrival arrival, std::string_view received) {
  open_.emplace_back(*this, std::move(arrival));
  const auto session = std::prev(open_.end());
  session->self_ = session;
  session->start(received);
  if (draining_ && session->state_ != Http2Session::State::kClosed) session->drain();
}

void Http2Server::drain() {
  draining_ = true;
  for (auto session = open_.begin(); session != open_.end();) (session++)->drain();
}

void Http2Server::cut() {
  for (auto session = open_.begin(); session != open_.end();) (session++)->cut();
}

std::unique_ptr<Http2Workspace> Http2Server::acquire() {
  if (free_.empty()) return std::make_unique<Http2Workspace>(fields_max_);
  std::unique_ptr<Http2Workspace> work = std::move(free_.back());
  free_.pop_back();
  return work;
}

void Http2Server::release(std::unique_ptr<Http2Workspace> work) {
  if (free_.size() < kFreeMax) free_.push_back(std::move(work));
}

void Http2Server::advance_later(Http2Session& session) {
  if (to_advance_.empty()) parts_.loop.defer([this] { advance_all(); });
  to_advance_.push_back(&session);
}

// Each of them may close others, which then are in the list no more.
void Http2Server::advance_all() {
  while (!to_advance_.empty()) {
    Http2Session* const session = to_advance_.back();
    to_advance_.pop_back();
    session->deferred_ = false;
    session->advance();
  }
}

// The session may be inside its own functions: it is destroyed at the end of the turn.
void Http2Server::closed(Http2Session& session) {
  if (closed_.empty()) parts_.loop.defer([this] { closed_.clear(); });
  std::erase(to_advance_, &session);
  closed_.splice(closed_.end(), open_, session.self_);
  if (parts_.on_closed) parts_.on_closed(session.info_.listener);
}

}  // namespace roundhouse::proxy
