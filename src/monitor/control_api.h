// What the monitor answers, without any socket: request in, response out.
//
// Everything that changes something is on the control socket alone, which only its owner can open;
// over TCP there is nothing but reading. Each response is computed from one snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "ipc/history_board.h"
#include "ipc/messages.h"
#include "ipc/operation.h"
#include "ipc/output_board.h"
#include "metrics/snapshot.h"
#include "monitor/status.h"

namespace roundhouse::monitor {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kOther };

struct Request {
  Method method = Method::kGet;
  std::string path;  // without the query
  Viewer viewer = Viewer::kAnyone;
  std::string query = {};  // "after=5"
  std::string body = {};
  std::string host =
      "localhost";  // the field, without which nothing but health and metrics is told
  std::string origin = {};
  std::string last_event_id = {};
};

struct Response {
  int status = 200;
  std::string content_type;
  std::string body;
  std::string allow;  // the methods that there are, with 405
  // Set: `body` begins a stream of events; this is the last event that `body` tells.
  std::optional<std::uint64_t> stream = std::nullopt;
  std::string policy = {};  // Content-Security-Policy, of a page
};

// What the answers come from. glance() is cheap, look() complete (see Observer). send() says
// whether the edge will get the command.
struct Sources {
  std::function<metrics::Snapshot()> glance;
  std::function<metrics::Snapshot()> look;
  std::function<bool(const ipc::CommandMessage&)> send;
  // What became of a ticket.
  std::function<std::optional<ipc::Operation>(std::uint64_t ticket)> operation;
  const config::Configuration* configuration = nullptr;  // in force; none: not known here
  const ipc::HistoryBoard* history = nullptr;            // none: nothing is known of the past
  const ipc::OutputBoard* output = nullptr;     // what programs have printed; none: nothing
  std::vector<std::string> allowed_hosts = {};  // see request_guard.h
};

class ControlApi {
 public:
  static constexpr std::size_t kMaxBody = 64 * 1024;

  explicit ControlApi(Sources sources) : sources_(std::move(sources)) {}

  Response respond(const Request& request) const;
  // What a stream tells next: how things are, which is the same for all of them; and the events
  // after `after`, which becomes the last of them.
  std::string stream_state(Viewer viewer) const;
  std::string stream_news(Viewer viewer, std::uint64_t& after) const;

 private:
  Response get(const Request& request) const;
  Response change(const Request& request) const;
  Response past(const Request& request) const;
  Response begin_stream(const Request& request) const;
  Response logs(const Request& request) const;
  Response stop(const Request& request) const;
  Response operate(const Request& request) const;
  Response operation(std::string_view ticket) const;
  Response set_policy(const std::string& pool) const;

  Sources sources_;
};

}  // namespace roundhouse::monitor
