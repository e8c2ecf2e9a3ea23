// The way of a request to its endpoint.
#include "proxy/exchange.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "proxy/failure_answer.h"

namespace roundhouse::proxy {
namespace {

constexpr std::uint32_t kRefusedMax = 3;
constexpr std::size_t kFreeSpacesMax = 64;
constexpr Time kNever = Time::max();

bool is_idempotent(http::Method method) {
  using enum http::Method;
  return method == kGet || method == kHead || method == kPut || method == kDelete ||
         method == kOptions || method == kTrace;
}

}  // namespace

std::unique_ptr<ExchangeSpace> ExchangeHost::acquire() {
  if (spaces.empty()) return std::make_unique<ExchangeSpace>();
  std::unique_ptr<ExchangeSpace> space = std::move(spaces.back());
  spaces.pop_back();
  return space;
}

void ExchangeHost::release(std::unique_ptr<ExchangeSpace> space) {
  if (space->pipe != nullptr) pipes.release(std::move(space->pipe));
  if (spaces.size() >= kFreeSpacesMax) return;
  space->received.reset();
  space->unsent.reset();
  spaces.push_back(std::move(space));
}

UpstreamExchange::UpstreamExchange(ExchangeHost& host, Plan plan)
    : host_(host), plan_(std::move(plan)), space_(host.acquire()) {}

UpstreamExchange::~UpstreamExchange() {
  if (state_ != State::kOver) give_up(http::Failure::kClientGone);
  host_.release(std::move(space_));
}

// By the client's fault, not the endpoint's.
void UpstreamExchange::give_up(http::Failure failure) {
  if (state_ == State::kConnecting) plan_.cluster.cancel(*this);
  if (leases()) leave_connection({.counted = false});
  finish(failure);
}

bool UpstreamExchange::on_refused(http::Failure failure) {
  if (state_ == State::kOver) return false;
  const bool answered = failure != http::Failure::kClientStalled;
  if (result_.status == 0 && answered) result_.status = http::row_of(failure).status;
  give_up(failure);
  return true;
}

bool UpstreamExchange::has_request_body() const {
  return plan_.client.request().body.framing != http::Framing::kNone;
}

void UpstreamExchange::start() {
  const Inside inside(*this);
  plan_.cluster.request_begins();
  plan_.wish.header = plan_.proxy_header;
  // Where nobody could follow it, an upgrade is not asked for.
  if (plan_.cluster.config().protocol == config::UpstreamProtocol::kHttp2) plan_.upgrade = false;
  if (plan_.upgrade) plan_.wish.carries = upstream::Carries::kUpgrade;
  if (has_request_body()) plan_.client.accept_body();
  acquire();
}

void UpstreamExchange::acquire() {
  state_ = State::kConnecting;
  ++result_.tries;
  plan_.cluster.acquire(*this, plan_.wish);
}

void UpstreamExchange::on_connection(std::unique_ptr<upstream::Connection> connection) {
  connection_ = std::move(connection);
  // Nobody may send a request that is not idempotent a second time: a dead connection is better
  // found before.
  if (connection_->reused() && !is_idempotent(plan_.client.request().method) &&
      !connection_->is_quiet()) {
    leave_connection({.counted = false});
    plan_.wish.fresh = true;
    --result_.tries;
    acquire();
    return;
  }
  connection_->set_user(this);
  begin_try(connection_->endpoint());
  space_->parser.start(plan_.client.request().method);
  send_head();
  if (!inside_ && state_ != State::kConnecting) plan_.client.resume();
}

void UpstreamExchange::begin_try(const upstream::Endpoint& endpoint) {
  endpoint_ = upstream::Cluster::name_of(endpoint);
  state_ = State::kAwaiting;
  readable_ = upstream_ended_ = got_bytes_ = request_sent_ = send_failed_ = body_stuck_ = false;
}

bool UpstreamExchange::reuses() const {
  return connection_ != nullptr ? connection_->reused() : call_ != nullptr && call_->reused();
}

upstream::Endpoint& UpstreamExchange::endpoint() const {
  if (connection_ != nullptr) return connection_->endpoint();
  CHECK(call_ != nullptr);
  return call_->endpoint();
}

void UpstreamExchange::on_no_connection(http::Failure failure, upstream::EndpointId endpoint) {
  if (endpoint != 0) {
    auto& avoid = plan_.wish.avoid;
    std::ranges::rotate(avoid, avoid.end() - 1);
    avoid.front() = endpoint;
  }
  {
    const Inside inside(*this);
    fail(failure);
  }
  if (!inside_ && state_ != State::kConnecting) plan_.client.resume();
}

void UpstreamExchange::send_head() {
  std::size_t size = 0;
  const auto outcome = plan_.source->write_request(host_.scratch, size);
  if (outcome != http::HeadWriter::Outcome::kOk) {
    leave_connection({.counted = false});  // the endpoint is not to blame
    fail(outcome == http::HeadWriter::Outcome::kFull ? http::Failure::kHeadTooLong
                                                     : http::Failure::kBadTarget);
    return;
  }
  sent_ = last_moved_ = host_.loop.now();
  const std::string_view head(host_.scratch.data(), size);
  if (!has_request_body()) request_sent_ = true;
  if (call_ != nullptr) {
    send_head_on_call(head);
    return;
  }
  const std::size_t sent = send_raw(head);
  if (!send_failed_ && sent < head.size()) keep_unsent(head.substr(sent));
  set_deadline();
}

// How many bytes the connection took.
std::size_t UpstreamExchange::send_raw(std::string_view data) {
  if (send_failed_) return data.size();
  const Transport::Transfer out = connection_->transport().write(data);
  switch (out.status) {
    case Transport::Status::kMoved:
      last_moved_ = host_.loop.now();
      connection_->count(out.bytes, 0);
      return out.bytes;
    case Transport::Status::kWouldBlock:
      return 0;
    case Transport::Status::kEnd:
    case Transport::Status::kFailed:
      // It may have answered before it closed: that is found by reading.
      send_failed_ = readable_ = true;
      return data.size();
  }
  CHECK(false);
}

void UpstreamExchange::keep_unsent(std::string_view data) {
  if (space_->unsent == nullptr) space_->unsent = std::make_unique<Buffer>(ExchangeSpace::kSend);
  space_->unsent->append(data);
}

// True: nothing is left.
bool UpstreamExchange::flush_unsent() {
  if (call_ != nullptr) return true;
  if (!send_failed_ && connection_->transport().flush() == Transport::Status::kFailed)
    send_failed_ = readable_ = true;
  Buffer* const unsent = space_->unsent.get();
  if (unsent != nullptr && !unsent->empty()) unsent->drop(send_raw(unsent->bytes()));
  return !holds_unsent();
}

bool UpstreamExchange::holds_unsent() const {
  if (connection_ == nullptr || send_failed_) return false;
  return connection_->transport().holds_unsent() ||
         (space_->unsent != nullptr && !space_->unsent->empty());
}

std::size_t UpstreamExchange::send_chunk(std::string_view data) {
  const std::size_t frame = http::kChunkLineBytesMax + http::kChunkEnd.size();
  const std::size_t room = ExchangeSpace::kSend - frame;
  const std::string_view part = data.substr(0, room);
  std::array<char, http::kChunkLineBytesMax> line;
  keep_unsent({line.data(), http::write_chunk_line(line, part.size())});
  keep_unsent(part);
  keep_unsent(http::kChunkEnd);
  flush_unsent();
  return part.size();
}

std::size_t UpstreamExchange::on_body(std::string_view data) {
  if (state_ == State::kOver || send_failed_) return data.size();
  if (state_ == State::kConnecting || !flush_unsent()) return 0;
  body_begun_ = true;
  const bool chunked = !tunnel_ && plan_.client.request().body.framing == http::Framing::kChunked;
  std::size_t taken = 0;
  if (call_ != nullptr)
    taken = call_->write(data);
  else
    taken = chunked ? send_chunk(data) : send_raw(data);
  const bool stuck = taken < data.size();
  if (stuck && !body_stuck_) last_moved_ = host_.loop.now();  // from now on the endpoint is awaited
  body_stuck_ = stuck;
  set_deadline();
  return taken;
}

bool UpstreamExchange::on_body_end(const http::FieldTable& trailers) {
  if (state_ == State::kOver || send_failed_) return true;
  if (state_ == State::kConnecting || !flush_unsent()) return false;
  if (call_ != nullptr) {
    end_call(trailers);
  } else if (tunnel_) {
    if (connection_->transport().end_writing() == Transport::Status::kWouldBlock) return false;
  } else if (plan_.client.request().body.framing == http::Framing::kChunked) {
    http::HeadWriter writer(host_.scratch);
    writer.trusted_lines(http::kLastChunkLine);
    for (std::size_t i = 0; i < trailers.size(); ++i)
      if (plan_.source->passes_trailer(trailers[i]))
        writer.field(trailers[i].name, trailers[i].value);
    keep_unsent(writer.end().ok() ? writer.text() : http::kLastChunkWithoutTrailers);
    flush_unsent();
  }
  request_sent_ = true;
  sent_ = host_.loop.now();
  set_deadline();
  return true;
}

bool UpstreamExchange::may_try_again(http::Failure failure) const {
  const Client& client = plan_.client;
  if (body_begun_ || result_.tries > plan_.retries) return false;
  if (http::row_of(failure).status < 500) return false;
  return upstream::is_unreached(failure) ||
         (failure == http::Failure::kUpstreamClosed && is_idempotent(client.request().method));
}

// REQUIRES: the answer has not begun.
void UpstreamExchange::fail(http::Failure failure) {
  const bool stale = reuses() && !got_bytes_ && failure == http::Failure::kUpstreamClosed;
  // A connection that ends in good order refuses what comes too late.
  const bool late = failure == http::Failure::kStreamRefused && ++refused_ <= kRefusedMax;
  if (leases()) {
    auto& avoid = plan_.wish.avoid;
    if (!stale && !late) {
      std::ranges::rotate(avoid, avoid.end() - 1);
      avoid.front() = upstream::Cluster::id_of(endpoint());
    }
    leave_connection({.failed = !stale && !late, .counted = !late});
  }
  if (space_->unsent != nullptr) space_->unsent->clear();
  if (space_->received != nullptr) space_->received->clear();
  decoded_ = 0;
  const bool again = stale && !stale_retried_ && is_idempotent(plan_.client.request().method);
  if ((again || late) && !body_begun_) {
    stale_retried_ = stale_retried_ || again;
    plan_.wish.fresh = plan_.wish.fresh || again;
    --result_.tries;
    acquire();
    return;
  }
  if (may_try_again(failure) && plan_.cluster.take_retry(plan_.wish.avoid.front())) {
    acquire();
    return;
  }
  Answer& answer = plan_.client.answer();
  if (has_request_body() && !request_sent_) answer.set_close(true);
  result_.status = http::row_of(failure).status;
  if (!answer_failure(answer, failure, plan_.cluster.config().eject.base)) plan_.client.abort();
  finish(failure);
}

void UpstreamExchange::leave_connection(upstream::Use use) {
  if (use.counted) {
    result_.took = host_.loop.now() - sent_;
    use.took = *result_.took;
  }
  if (call_ != nullptr) {
    plan_.cluster.release(std::exchange(call_, nullptr), use);
    return;
  }
  connection_->set_user(nullptr);
  plan_.cluster.release(std::exchange(connection_, nullptr), use);
}

void UpstreamExchange::describe(AccessRecord& record) const {
  record.endpoint = endpoint_;
  record.tries = result_.tries;
  record.upstream_duration = result_.took;
  if (leases()) record.upstream_duration = host_.loop.now() - sent_;
  if (result_.failure != http::Failure::kNone) record.failure = result_.failure;
}

void UpstreamExchange::finish(http::Failure failure) {
  state_ = State::kOver;
  cancel();
  result_.failure = failure;
  result_.endpoint = endpoint_;
  plan_.source->ended(result_);
}

// Whether the endpoint alone is waited for: not while the client owes the rest of its body, which
// the session has its own limits for.
bool UpstreamExchange::waits_for_endpoint() const {
  return request_sent_ || send_failed_ || body_stuck_ || holds_unsent();
}

void UpstreamExchange::set_deadline() {
  Time when = kNever;
  if (tunnel_) {
    when = last_moved_ + plan_.client.listener().timeouts.tunnel;
  } else if (!waits_for_endpoint()) {
    // What the client sends next goes on from here.
  } else if (state_ == State::kAwaiting) {
    when = std::max(sent_, last_moved_) + plan_.response_timeout;
  } else if (state_ == State::kAnswering && !blocked_) {
    when = last_moved_ + plan_.idle_timeout;
  }
  if (when == kNever)
    cancel();
  else
    host_.deadlines.set(*this, when);
}

void UpstreamExchange::expired() {
  if (state_ == State::kAwaiting) {
    {
      const Inside inside(*this);
      fail(http::Failure::kResponseTimeout);
    }
    plan_.client.resume();
    return;
  }
  if (state_ != State::kAnswering) return;
  leave_connection({.failed = !tunnel_});
  finish(tunnel_ ? http::Failure::kNone : http::Failure::kResponseStalled);
  plan_.client.abort();
}

}  // namespace roundhouse::proxy
