// The command line's side of the control socket: which instance is meant, and one request to it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "config/control_socket.h"

namespace roundhouse::cli {

// The instance on `socket`, or with an empty one the only instance that answers in `folders`.
// Error: there is none, or there are several, which are then listed.
Result<config::Instance> find_instance(const std::string& socket,
                                       const std::vector<std::string>& folders);

struct Reply {
  int status = 0;
  std::string body;
};

inline constexpr Duration kReplyWithin = std::chrono::seconds(10);
inline constexpr std::size_t kMaxReply = 64 * 1024 * 1024;

// One HTTP/1.0 request and its whole reply.
Result<Reply> request(const std::string& socket, std::string_view method, std::string_view path,
                      Duration within = kReplyWithin, std::string_view body = {});

// Returns when the process has ended. False if that cannot be seen from here, or not within this
// time.
bool wait_for_end(pid_t pid, Duration within);

}  // namespace roundhouse::cli
